"""What is found in a table."""

import json

import numpy as np
import pytest
from commands import refused, spar

from sparring.data import Options
from sparring.data.scan.scan import scan_spec
from sparring.data.table.arrow import MOST_COLUMNS
from sparring.errors import UserError

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def frame(rows: int = 120):
    draws = np.random.default_rng(0)
    return pandas.DataFrame(
        {
            "size": draws.normal(size=rows).round(3),
            "kind": draws.choice(["a", "b", "c"], rows),
            "weight": draws.normal(size=rows),
            "target": draws.choice(["no", "yes"], rows),
        }
    )


def found(table, tmp_path, ending="csv", **options):
    path = tmp_path / f"t.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)
    return scan_spec(path, Options(**options))


def suspects(scanned):
    return {each.name: [name for name, _ in each.where] for each in scanned.findings}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_clean_table(ending, tmp_path):
    scanned = found(frame(), tmp_path, ending)
    assert scanned.examples == 120 and scanned.target == "target" and scanned.findings == ()
    assert scanned.columns == {"size": "number", "kind": "category", "weight": "number", "target": "category"}


def test_each_defect_is_found_where_it_is(tmp_path):
    table = frame()
    table.insert(0, "void", [1.0] * 10 + [None] * 110)
    table.insert(0, "same", 7)
    table.insert(0, "kind again", table["kind"].map({"a": "x", "b": "y", "c": "z"}))
    table.insert(0, "outcome", (table["target"] == "yes") * 3 + np.arange(120) % 3)
    table.insert(0, "words", [f"row number {i} is told of here" for i in range(120)])
    table = pandas.concat([table, table.iloc[[3, 5]].assign(words=table["words"].iloc[[3, 5]].to_numpy())])
    scanned = found(table, tmp_path)
    told = suspects(scanned)
    assert told["unlearnable"] == ["words"] and told["missing"] == ["void"] and told["constant"] == ["same"]
    assert told["duplicate-columns"] == ["kind"] and told["leaking-columns"] == ["outcome"]
    assert told["duplicate-rows"] == ["row 120", "row 121"]
    assert scanned.missing == {"void": 110} and scanned.columns["words"] == "can't be learnt"
    text = scanned.table()
    assert "void: " in text and "target target" in text and "equivalent to kind again" in text
    assert json.loads(json.dumps(scanned.to_dict()))["examples"] == 122


def test_two_columns_that_number_rows_are_not_the_same(tmp_path):
    table = frame()
    table.insert(0, "weight too", table["weight"])
    assert suspects(found(table, tmp_path)) == {"duplicate-columns": ["weight"]}


def test_a_row_of_both_parts_leaks(tmp_path):
    table = pandas.concat([frame(), frame()])
    told = suspects(found(table, tmp_path))
    assert len(told["duplicate-rows"]) == 120 and 20 <= len(told["leaks"]) <= 40


def test_what_is_not_there_is_told(tmp_path, capsys):
    frame().to_csv(tmp_path / "t.csv", index=False)
    assert "has no column 'x'" in refused(capsys, "data", "scan", tmp_path / "t.csv", "--target", "x")
    words = ["data", "scan", tmp_path / "t.csv", "--columns", "kind=drop", "--sheet", tmp_path / "s.png"]
    assert spar(*words) == 0
    told = capsys.readouterr().out
    assert "kind: drop" in told and "no sheet was written" in told


@pytest.mark.parametrize(
    "content, why",
    [
        (b"a,b\n1,\x002\n\x00,3\n" * 9, None),
        (",".join(f"c{i}" for i in range(100_000)).encode() + b"\n" + b"1," * 99_999 + b"1\n", f"{MOST_COLUMNS:,}"),
        (b"\x00" * 5000, None),
    ],
)
def test_hostile_tables_end_in_a_line(content, why, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    try:
        scan_spec(tmp_path / "t.csv").table()
    except UserError as error:
        assert "\n" not in str(error) and (why or "") in str(error)
    else:
        assert why is None


def test_a_packed_table_that_unpacks_to_far_more_is_refused(tmp_path):
    import gzip

    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,1\n" * 2**22))
    with pytest.raises(UserError, match="decompression bomb"):
        scan_spec(tmp_path / "t.csv.gz")


def test_a_parquet_is_refused_before_it_is_read(tmp_path, monkeypatch):
    def read(path):
        raise AssertionError("it was read")

    monkeypatch.setattr("pyarrow.parquet.read_table", read)
    monkeypatch.setattr("sparring.data.limits.HARMLESS", 1000)
    pandas.DataFrame({"a": np.zeros(2_000_000, np.int8)}).to_parquet(tmp_path / "long.parquet")
    pandas.DataFrame({f"c{i}": [0] for i in range(MOST_COLUMNS + 1)}).to_parquet(tmp_path / "wide.parquet")
    with pytest.raises(UserError, match="decompression bomb"):
        scan_spec(tmp_path / "long.parquet")
    with pytest.raises(UserError, match=f"a table of {MOST_COLUMNS + 1:,} columns is too wide"):
        scan_spec(tmp_path / "wide.parquet")
