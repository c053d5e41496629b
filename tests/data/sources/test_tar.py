"""Tars: members that are better not opened."""

import pytest
from data.pictures import png, shades, tarred, told, unpacked

from sparring.modalities.load import load_dataset


def test_members_that_climb_out(tmp_path):
    names = ["/abs.png", "in/../../up.png", ".//tmp/x.png", " ../q.png", "\x07../y.png"]
    data = load_dataset(tarred(tmp_path / "a.tar", {**shades(), **{name: png() for name in names}}))
    assert {why for _, why in data.skipped} == {"its path leads outside the tar"} and len(data.skipped) == len(names)


def test_a_tar_or_a_table_beside_pictures_does_not_hide_them(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder = unpacked(tmp_path / "set", shades(8, "a/") | shades(8, "b/"))
    parquet.write_table(arrow.table({"file": ["x"]}), folder / "metadata.parquet")
    tarred(folder / "code.tar", {"train.py": b"x"})
    (folder / "broken.tar").write_bytes(b"x")
    data = load_dataset(folder)
    assert len(data.train) + len(data.test) == 16 and data.names == ("a", "b")
    tarred(folder / "more.tar", shades(1))
    said = told(folder)
    assert "holds both image files, such as a/000.png, and an archive, more.tar" in said
