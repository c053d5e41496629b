"""Parquet: columns of bytes and of structs, classes, and what is said of others."""

import json
import os
import sys

import pytest
from data.pictures import labels_by_shade, png, shades, told, unpacked

from sparring.data.load import file_source
from sparring.modalities.load import load_dataset

FILES = list(shades(12).values())


@pytest.fixture
def saved(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def save(columns: dict, metadata: dict | None = None):
        parquet.write_table(arrow.table(columns).replace_schema_metadata(metadata), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    return save


def test_bytes(saved, tmp_path):
    data = load_dataset(saved({"id": list(range(12)), "picture": FILES}))
    assert data.names == () and data.skipped == ()
    assert data.fingerprint == load_dataset(unpacked(tmp_path / "folder", shades(12))).fingerprint


def test_structs_and_numbered_classes(saved):
    structs = [{"bytes": content, "path": f"in/{i}.png"} for i, content in enumerate(FILES)]
    columns = {"image": structs, "label": [i % 2 for i in range(12)]}
    assert load_dataset(saved(columns)).names == ("0", "1")
    features = {"info": {"features": {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}}}
    data = load_dataset(saved(columns, {"huggingface": json.dumps(features)}))
    assert data.names == ("ant", "bee") and labels_by_shade(data) == {i: i % 2 for i in range(12)}


def test_what_is_left_out(saved):
    images = [*FILES, None, b"", b"junk", png()]
    data = load_dataset(saved({"image": images, "label": ["a", "b"] * 7 + ["a", None]}))
    reasons = dict(data.skipped)
    assert list(reasons) == ["row 12", "row 13", "row 14", "row 15"]
    assert reasons["row 12"] == "no image in this row" and reasons["row 13"] == "empty file"
    assert reasons["row 15"] == "no label" and data.names == ("a", "b")


@pytest.mark.parametrize("bare", ["a", "z"])
def test_shards_without_classes_beside_some_with(saved, tmp_path, bare):
    """Whichever comes first."""
    labels = {"label": ["x", "y"] * 6}
    for name in ("a", "z"):
        saved({"image": FILES} | ({} if name == bare else labels)).rename(tmp_path / f"{name}.shard")
    for name in ("a", "z"):
        (tmp_path / f"{name}.shard").rename(tmp_path / f"{name}.parquet")
    data = load_dataset(tmp_path)
    assert data.names == ("x", "y") and len(data.train) + len(data.test) == 12
    assert len(data.skipped) == 12 and all(name.startswith(f"{bare}.parquet/") for name, _ in data.skipped)


def test_no_images_make_a_table(saved):
    assert "a table of 1 rows is too small" in told(saved({"id": [1], "text": ["a"]}))


def test_one_row_group_of_all_shards_is_held_and_no_file(saved, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    for i in range(20):
        saved({"image": [os.urandom(2**20)]}).rename(tmp_path / f"{i}.shard")
    for path in tmp_path.glob("*.shard"):
        path.rename(path.with_suffix(".parquet"))
    source, before = file_source(str(tmp_path)), arrow.total_allocated_bytes()
    assert [len(item.open().read()) for item in source.items] == [2**20] * 20
    assert arrow.total_allocated_bytes() - before < 8 * 2**20  # arrow takes more than it needs
    opened = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
    assert not [path for path in opened if path.endswith(".parquet")]


def test_a_bomb_of_images_is_refused(saved, monkeypatch):
    monkeypatch.setattr("sparring.data.limits.HARMLESS", 1000)
    assert "decompression bomb" in told(saved({"image": [b""] * 2_000_000, "label": [1] * 2_000_000}))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100])
def test_no_parquet(saved, tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    assert "damaged or not a parquet file" in told(tmp_path / "a.parquet")


def test_cut(saved):
    path = saved({"image": FILES})
    content = path.read_bytes()
    path.write_bytes(content[:50] + bytes(200) + content[250:])
    assert path.name in told(path)


def test_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"x")
    assert "pip install 'sparring[parquet]'" in told(tmp_path / "a.parquet")
