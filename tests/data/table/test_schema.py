"""Tables in and out: kinds of columns, the encoding and its inverse, schemas, files, bad tables in one line each."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from frames import people
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparring.data import Options
from sparring.data.table import infer
from sparring.data.table.arrow import read_table_file, to_arrow
from sparring.data.table.columns import Category, Follower, Identifier, Number
from sparring.data.table.infer import Kind
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.modalities.load import load_dataset


def learnt(frame, *args, **more):
    return Schema.of(to_arrow(frame), *args, **more)


def test_kinds_are_found():
    schema, _ = learnt(people())
    kinds = {column.name: type(column) for column in schema.columns}
    numbers = dict.fromkeys(("age", "seen", "wage", "start", "children"), Number)
    categories = dict.fromkeys(("city", "planet", "member"), Category)
    assert kinds == {"person": Identifier, "area": Follower} | numbers | categories
    wage = schema.column("wage")
    assert wage.spikes == (1200.0,) and wage.places > 1 and wage.decimals == 2 and 0.05 < wage.missing < 0.15
    assert schema.target == "member" and schema.column("area").leader == "city"
    assert schema.column("start").unit == 86_400_000_000_000 // (10**9 // _ticks(people()))


def _ticks(frame) -> int:
    """A second in the unit of the frame's times."""
    return {"ns": 10**9, "us": 10**6, "ms": 10**3, "s": 1}[frame["start"].dt.unit]


def test_what_networks_see_decodes_to_the_same_table():
    frame = people()
    schema, cells = learnt(frame)
    shown = schema.encode(cells)
    assert shown.shape == (400, *schema.shape) and shown.dtype == torch.float32
    assert schema.names.index("planet") not in schema.learnt
    parts = shown.split([*schema.choices, schema.shape[0] - sum(schema.choices)], 1)
    assert all((part.sum(1) == 1).all() for part in parts[:-1]) and parts[-1].abs().max() <= 1
    again = schema.table(schema.decode(shown)).to_pandas()
    pd.testing.assert_frame_equal(again.drop(columns="person"), frame.drop(columns="person"))


def test_identifiers_are_made_and_never_copied():
    frame = people()
    frame["code"] = [f"{i * 7919 % 100_003:05x}-{i}" for i in range(len(frame))]
    frame["key"] = np.random.default_rng(0).permutation(len(frame)) + 10
    schema, cells = learnt(frame)
    made = schema.table(cells).to_pandas()
    assert made["person"].tolist()[:2] == ["P-00400", "P-00401"]
    for name in ("person", "code", "key"):
        assert isinstance(schema.column(name), Identifier)
        assert made[name].is_unique and not set(made[name]) & set(frame[name])


def test_identifiers_that_have_no_room_are_refused_before_training():
    ids = np.arange(30_000, dtype=np.int16)
    with pytest.raises(UserError, match=r"'id' is of type int16.*too small.*give it a wider type, or drop it"):
        learnt(pd.DataFrame({"id": ids, "x": ids % 7}))
    schema, cells = learnt(pd.DataFrame({"id": ids[:16_000], "x": ids[:16_000] % 7}))
    assert schema.table(cells).column("id")[0].as_py() == 16_000
    with pytest.raises(UserError, match="too small for 16,000 new identifiers from 31,000"):
        schema.table(cells, start=15_000)


def test_identifiers_of_other_types():
    kinds, n = {"id": Kind("identifier"), "x": Kind("number")}, range(40)
    for ids in (
        np.array([float(i) for i in n]),
        pa.array([None, *n[1:]], pa.float32()),
        np.arange(40, dtype=np.uint64) + np.uint64(2**63),
        pa.array(n, pa.decimal128(9, 2)),
        pa.array(n, pa.int32()).dictionary_encode(),
    ):
        table = pa.table({"id": ids, "x": n})
        schema, cells = Schema.of(table, kinds)
        made = schema.table(cells).column("id")
        assert made.type == table.schema.field("id").type
        last = max(int(each) for each in ids.tolist() if each is not None)
        assert made.to_pylist() == list(range(last + 1, last + 41))
    for ids, why in (
        (np.linspace(0, 1, 40), "fractional numbers: set .* 'number'"),
        ([True, False] * 20, "'category'"),
    ):
        with pytest.raises(UserError, match=why):
            learnt(pd.DataFrame({"id": ids, "x": n}), kinds)


def test_many_categories_stay_bounded_and_keep_their_frequencies():
    g = np.random.default_rng(0)
    values = pd.Series((g.pareto(0.5, 20_000) * 10).astype(int).clip(max=9_999)).map("c{}".format)
    schema, cells = learnt(pd.DataFrame({"code": values, "x": g.random(20_000)}), {"code": Kind("category")})
    column = schema.column("code")
    assert column.options == infer._MAX_CATEGORIES + 1 < len(column.values)
    assert torch.equal(schema.decode(schema.encode(cells[:, :]))[:, 0], cells[:, 0])
    even = torch.linspace(-1, 1, 100_001, dtype=torch.float64)[:-1]
    drawn = column.decode(torch.zeros(len(even), dtype=torch.long), even).long().bincount()
    counts = torch.tensor(column.counts)[column.learnt :]
    torch.testing.assert_close(
        drawn[column.learnt :] / len(even), counts / counts.sum(), atol=1e-4, rtol=0, check_dtype=False
    )


def test_kinds_can_be_said_and_bounds_hold():
    frame = people()
    kinds = {
        "age": Kind("category"),
        "person": Kind("drop"),
        "wage": Kind(low=0, high=5000.0, decimals=0),
    }
    schema, cells = learnt(frame, kinds)
    assert isinstance(schema.column("age"), Category) and "person" not in schema.names
    wage = schema.table(schema.decode(schema.encode(cells))).to_pandas()["wage"]
    assert wage.max() == 5000 and (wage.dropna() == wage.dropna().round()).all()
    with pytest.raises(UserError, match=r"no column 'wages' \(did you mean 'wage'\?\)"):
        learnt(frame, {"wages": Kind("number")})
    with pytest.raises(UserError, match=r"no kind of column 'nummer'.*did you mean 'number'"):
        learnt(frame, {"wage": Kind("nummer")})
    with pytest.raises(UserError, match="'city' is not numeric"):
        learnt(frame, {"city": Kind("number")})


TYPES = {
    "int8": np.arange(40, dtype=np.int8),
    "large": np.arange(40, dtype=np.int64) * 3 + 2**60,
    "unsigned": np.arange(40, dtype=np.uint64) % 9 + np.uint64(2**63),
    "float32": np.linspace(0, 1, 40, dtype=np.float32),
    "text": pa.array(["a", None] * 20),
    "words": pa.array(["a", "b"] * 20).dictionary_encode(),
    "decimal": pa.array([None, *range(39)], pa.decimal128(9, 2)),
    "day": pa.array(range(40), pa.date32()),
    "moment": pa.array(range(40), pa.timestamp("ms", tz="Europe/Rome")),
    "clock": pa.array(range(40), pa.time64("us")),
    "lapse": pa.array(range(40), pa.duration("s")),
    "flag": pa.array([True, False, None, True] * 10),
    "nothing": pa.nulls(40),
}


@pytest.mark.parametrize("name", TYPES)
def test_arrow_in_the_same_schema_out(name):
    table = pa.table({name: TYPES[name], "x": range(40)})
    schema, cells = Schema.of(table, {name: Kind("" if name != "int8" else "number"), "x": Kind("number")})
    made = schema.decode(schema.encode(cells))
    torch.testing.assert_close(made, cells, rtol=0, atol=1e-7, equal_nan=True)  # networks see float32
    assert schema.table(made).schema.equals(table.schema) and schema.table(cells).equals(table)


def test_a_csv_is_read_whatever_its_delimiter_and_encoding(tmp_path):
    frame = pd.DataFrame({"name": ["Zoë", "Íñigo", "?"] * 8, "size": np.arange(24) / 4, "n": range(24)})
    for i, (sep, encoding) in enumerate([(",", "utf-8"), (";", "cp1252"), ("\t", "utf-16"), ("|", "utf-8-sig")]):
        frame.to_csv(tmp_path / f"{i}.csv", sep=sep, encoding=encoding, index=False)
        table = read_table_file(tmp_path / f"{i}.csv")
        assert table.column_names == ["name", "size", "n"]
        assert (
            table.column("name").to_pylist()[:3] == ["Zoë", "Íñigo", None] and table.column("size")[1].as_py() == 0.25
        )
    with gzip.open(tmp_path / "spaced.csv.gz", "wt") as file:
        file.write("a, b\n" + "1, x y\n2, ?\n" * 10)
    assert read_table_file(tmp_path / "spaced.csv.gz").column("b").to_pylist()[:2] == ["x y", None]
    frame.to_parquet(tmp_path / "t.parquet")
    data = load_dataset(tmp_path / "t.parquet", Options(columns=(("n", "drop"),), target="name"))
    assert data.modality == "table" and data.facts.target == "name" and len(data.train) + len(data.test) == 24


def test_rows_that_end_in_a_delimiter_stay_in_their_columns(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n" + "1,10,100,\n2,20,200,\n" * 10)
    table = read_table_file(tmp_path / "t.csv")
    assert table.slice(0, 2).to_pydict() == {"a": [1, 2], "b": [10, 20], "c": [100, 200]}
    (tmp_path / "t.csv").write_text("a,b,c\n" + "1,10,100,\n2,20,200,7\n" * 10)
    with pytest.raises(UserError, match=r"t\.csv has rows with more values than its header"):
        read_table_file(tmp_path / "t.csv")


def test_a_column_is_of_one_type_however_long_it_is(tmp_path, recwarn):
    rows, width = [*map(str, range(3_000)), "unknown"], 512  # pandas would read so wide a table in parts of 1,024 rows
    names = ",".join(["a", *(f"b{i}" for i in range(width - 1))])
    (tmp_path / "t.csv").write_text(names + "\n" + "".join(each + "," * (width - 1) + "\n" for each in rows))
    assert read_table_file(tmp_path / "t.csv").column("a").to_pylist() == rows and not recwarn.list


def test_names_are_looked_at_as_they_come_out(tmp_path):
    for text in ("\na ,a\n1,2\n", '"a", a\n1,2\n'):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(UserError, match="duplicate column name 'a'"):
            read_table_file(tmp_path / "t.csv")


def _of(**columns):
    return pd.DataFrame(columns)


TWICE = pd.DataFrame([[1, 2]] * 20, columns=["a", "a"])
BAD = {
    "empty": (pd.DataFrame(), "no columns"),
    "no rows": (_of(a=[]), "0 rows is too small"),
    "one row": (_of(a=[1]), "1 rows is too small"),
    "twice": (TWICE, "duplicate column name 'a'"),
    "mixed": (_of(a=[1, "x"] * 20), r"'a' has values of several types \(int, str\)"),
    "infinite": (_of(a=[1.0, np.inf] * 20), r"'a' has an infinite value in row 1"),
    "lists": (_of(a=[[1], [2]] * 20), "'a' is of the unsupported type list"),
    "long": (_of(n=[1] * 20, a=[10**23] * 20), "'a' has integers of more than 64 bits"),
    "no table": ([1, 2], "a list is not a table"),
    "prose": (
        _of(a=[f"the {i}th of many long and winding sentences" for i in range(60)]),
        "'a' looks like free text.*'drop'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_get_one_line(case):
    frame, expected = BAD[case]
    with pytest.raises(UserError, match=expected) as error:
        table_data("a table", frame)
    assert "\n" not in str(error.value)


def test_test_rows_with_unknown_categories_are_left_out():
    frame, test = people(), people(20, seed=1)
    test.loc[[3, 7], "city"] = "Paris"
    data = table_data("a table", frame, test=test)
    assert len(data.test) == 18
    torch.testing.assert_close(data.test.values, data.facts.cells(to_arrow(test.drop(index=[3, 7]))), equal_nan=True)
    with pytest.raises(UserError, match=r"every row has an unknown category.* 'city'"):
        table_data("a table", frame, test=test.assign(city="Paris"))


def test_a_column_without_values_is_kept_as_it_is():
    frame = people(60).assign(void=None)
    schema, cells = learnt(frame)
    assert schema.table(schema.decode(schema.encode(cells)))["void"].null_count == 60


def test_bad_files_get_one_line(tmp_path):
    (tmp_path / "void.csv").write_text("")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    for name, expected in (
        ("void.csv", "is empty"),
        ("broken.parquet", "broken.parquet"),
        ("twice.csv", "duplicate column name 'a'"),
    ):
        with pytest.raises(UserError, match=expected):
            load_dataset(tmp_path / name)
    people(30).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError, match="is a table, without size"):
        load_dataset(tmp_path / "t.csv", Options(size=(8, 8)))
    with pytest.raises(UserError, match="digits is no table"):
        load_dataset("digits", Options(target="x"))


CELLS = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.floats(width=32), st.text(max_size=5), st.booleans())
COLUMN = st.one_of(
    *(
        st.lists(st.one_of(st.none(), cell), min_size=0, max_size=30)
        for cell in (
            st.integers(-(2**62), 2**62),
            st.floats(),
            st.text(max_size=4),
            st.booleans(),
            st.datetimes(),
            CELLS,
        )
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.text(max_size=2), COLUMN), max_size=4))
def test_any_frame_is_learnt_or_refused_in_one_line(columns):
    """Whatever is learnt comes back: the same schema, and every category and missing value in its place."""
    n = min((len(values) for _, values in columns), default=0)
    frame = pd.concat([pd.Series(v[:n], name=name) for name, v in columns], axis=1) if columns else pd.DataFrame()
    try:
        table = to_arrow(frame)
        schema, cells = Schema.of(table)
    except UserError as error:
        assert "\n" not in str(error)
        return
    made = schema.decode(schema.encode(cells))
    again = schema.table(made)
    assert again.schema.equals(table.schema)
    for i, column in enumerate(schema.columns):
        assert torch.equal(made[:, i].isnan(), cells[:, i].isnan())
        if isinstance(column, Category):
            assert again[column.name].equals(table[column.name])
