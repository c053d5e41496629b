"""Label files of each kind, what they leave out, and what is said of bad ones."""

import json
from unicodedata import normalize

import pytest
import torch
from commands import refused
from data.pictures import labels_by_shade, png, shades, told, unpacked, zipped

from sparring.data import Options
from sparring.modalities.load import load_dataset

FILES = shades(12)
KINDS = {f"{i:03d}.png": "even" if i % 2 == 0 else "odd" for i in range(12)}


@pytest.fixture(params=["folder", "zip"])
def place(request, tmp_path):
    """Twelve images, and a folder beside for label files."""
    return unpacked(tmp_path / "a", FILES) if request.param == "folder" else zipped(tmp_path / "a.zip", FILES)


def given(place, name: str, content: str) -> Options:
    (place.parent / name).write_text(content, encoding="utf-8")
    return Options(labels=str(place.parent / name))


def csv(head: str, rows: dict) -> str:
    return "\n".join([head, *(f"{file},{cells}" for file, cells in rows.items())]) + "\n"


def test_csv_of_classes(place):
    data = load_dataset(place, given(place, "l.csv", csv("file,kind", KINDS)))
    assert data.names == ("even", "odd") and data.classes == 2
    assert labels_by_shade(data) == {i: i % 2 for i in range(12)}


def test_csv_of_numbered_classes(place):
    data = load_dataset(
        place, given(place, "l.csv", csv("file,kind", {name: 10 - i % 3 for i, name in enumerate(FILES)}))
    )
    assert data.names == ("8", "9", "10") and labels_by_shade(data)[0] == 2


def test_csv_of_attributes(place):
    rows = {name: f"{i},{-i / 2}" for i, name in enumerate(FILES)}
    data = load_dataset(place, given(place, "l.csv", "\ufeff" + csv("file,age,tilt", rows)))
    assert data.names == ("age", "tilt") and data.classes == 0 and data.train.labels.dtype == torch.float32
    assert labels_by_shade(data) == {i: [i, -i / 2] for i in range(12)}


def test_csv_of_one_attribute(place):
    data = load_dataset(place, given(place, "l.csv", csv("file,age", {name: i / 2 for i, name in enumerate(FILES)})))
    assert data.names == ("age",) and labels_by_shade(data)[3] == [1.5]


def test_json_of_classes(place):
    data = load_dataset(place, given(place, "l.json", json.dumps(KINDS)))
    assert data.names == ("even", "odd") and labels_by_shade(data)[7] == 1


def test_json_of_vectors(place):
    data = load_dataset(place, given(place, "l.json", json.dumps({name: [i, 1] for i, name in enumerate(FILES)})))
    assert data.names == ("0", "1") and labels_by_shade(data)[7] == [7, 1]


@pytest.mark.parametrize("pack", [unpacked, zipped])
def test_own_labels(tmp_path, pack):
    own = {"labels": [[f"./sub\\{name}", i % 3] for i, name in enumerate(FILES)]}
    files = shades(12, "sub/") | {"dataset.json": json.dumps(own).encode()}
    data = load_dataset(pack(tmp_path / "a.zip", files))
    assert data.names == ("0", "1", "2") and labels_by_shade(data)[5] == 2 and data.skipped == ()
    chosen = {f"sub/{name}": kind for name, kind in KINDS.items()}
    assert load_dataset(tmp_path / "a.zip", given(tmp_path / "a.zip", "l.json", json.dumps(chosen))).names == (
        "even",
        "odd",
    )


def test_own_labels_that_are_none(tmp_path):
    """StyleGAN's tools number their sub-folders, which are no classes."""
    data = load_dataset(unpacked(tmp_path, shades(8, "0/") | shades(8, "1/") | {"dataset.json": b'{"labels": null}'}))
    assert data.names == () and data.skipped == ()


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"info": {"year": 2017}}', b'{"x.png": 1}', b"[" * 10**6])
def test_own_labels_that_can_not_be_read(tmp_path, content):
    data = load_dataset(unpacked(tmp_path, {**FILES, "dataset.json": content}))
    assert data.names == () and [name for name, _ in data.skipped] == ["dataset.json"]
    assert "\n" not in data.skipped[0][1]


def test_own_labels_outside(tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps(KINDS))
    folder = unpacked(tmp_path / "a", FILES)
    (folder / "dataset.json").symlink_to(tmp_path / "secret.json")
    assert load_dataset(folder).skipped == (("dataset.json", "a link to a file outside the folder"),)


def test_absent_and_unlabelled_are_left_out(place):
    rows = {name: i % 2 for i, name in enumerate(FILES)} | {"gone.png": 1}
    more = shades(14)
    place = unpacked(place, more) if place.is_dir() else zipped(place, more)
    data = load_dataset(place, given(place, "l.csv", csv("file,kind", rows)))
    assert data.skipped == (
        ("012.png", f"no label in {place.parent / 'l.csv'}"),
        ("013.png", f"no label in {place.parent / 'l.csv'}"),
        ("gone.png", "in the label file, but missing"),
    )
    assert len(data.train) + len(data.test) == 12


BAD = {
    "no such file": (None, "no label file"),
    "none match": (csv("file,kind", {"x.png": 1}), "names no image"),
    "one column": ("file\n000.png\n", "fewer than two columns"),
    "empty": ("", "fewer than two columns"),
    "no rows": ("file,kind\n", "no labels"),
    "uneven": ("file,kind\n000.png,1,2\n", "line 2 has 3 columns"),
    "twice": ("file,kind\n000.png,1\n000.png,2\n", "line 3 repeats 000.png"),
    "text among numbers": ("file,a,b\n000.png,1,2\n001.png,1,red\n", "001.png contains 'red'"),
    "nan": ("file,a,b\n000.png,1,nan\n", "'nan', which is not a number"),
    "infinite": ("file,a,b\n000.png,1,1e39\n", "'1e39', which is not a number"),
    "open quote": ('file,a\n"000.png,1\n', "unexpected end"),
}


@pytest.mark.parametrize("content, says", BAD.values(), ids=BAD)
def test_bad_csv(tmp_path, content, says):
    place = unpacked(tmp_path / "a", FILES)
    options = Options(labels=str(tmp_path / "gone.csv")) if content is None else given(place, "l.csv", content)
    assert says in told(place, options)


@pytest.mark.parametrize(
    "content, says",
    [
        ("{", "Expecting"),
        ("[1]", "is not a JSON object"),
        ("{}", "no labels"),
        ('{"labels": [["000.png"]]}', "label 1 is not a file name and a label"),
        ('{"000.png": [1, 2], "001.png": [1]}', "001.png has 1 numbers, the first entry has 2"),
        ('{"000.png": [1, 2], "001.png": "red"}', "001.png is not a list of numbers"),
        ('{"000.png": [1, NaN]}', "'nan', which is not a number"),
        ('{"000.png": [1, 1' + "0" * 400 + "]}", "which is not a number"),
        ('{"000.png": {"a": 1}}', "not a list of numbers"),
        ("[" * 10**6, "nested too deeply"),
    ],
)
def test_bad_json(tmp_path, content, says):
    place = unpacked(tmp_path / "a", FILES)
    assert says in told(place, given(place, "l.json", content))


def test_other_endings(tmp_path):
    place = unpacked(tmp_path / "a", FILES)
    assert "is not a label file" in told(place, given(place, "l.txt", "x"))
    (tmp_path / "l.csv").write_bytes(b"file,kind\n\xff,1\n")
    assert "not UTF-8" in told(place, Options(labels=str(tmp_path / "l.csv")))


def test_named_sets_take_none(tmp_path):
    assert "leave it out" in told("digits", Options(labels="x.csv"))


def test_habits_of_label_files(place):
    """An index of pandas, whole numbers with a fraction, no header, and empty cells."""
    rows = {name: i % 3 for i, name in enumerate(FILES)}
    indexed = ",file,kind\n" + "".join(f"{i},{name},{kind}.0\n" for i, (name, kind) in enumerate(rows.items()))
    headless = "".join(f"{name},{kind}\n" for name, kind in rows.items())
    for text in (indexed, headless):
        data = load_dataset(place, given(place, "l.csv", text))
        assert data.names == ("0", "1", "2") and data.skipped == () and labels_by_shade(data)[5] == 2
    files = shades(14)
    place = unpacked(place, files) if place.is_dir() else zipped(place, files)
    data = load_dataset(place, given(place, "l.csv", csv("file,kind", {"012.png": "", "013.png": " ", **rows})))
    assert data.names == ("0", "1", "2") and [why.split(" in ")[0] for _, why in data.skipped] == ["an empty label"] * 2


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_forms_of_unicode(tmp_path, form):
    files = {normalize(form, f"été{i:02d}.png"): png(i) for i in range(12)}
    rows = {normalize("NFC", name): i % 2 for i, name in enumerate(files)}
    data = load_dataset(unpacked(tmp_path / "a", files), given(tmp_path / "a", "l.csv", csv("file,kind", rows)))
    assert data.names == ("0", "1") and labels_by_shade(data)[5] == 1


def test_vectors_of_stylegan(tmp_path):
    place = unpacked(tmp_path / "a", shades(12, "ds/"))
    hot = {name: [int(i % 3 == k) for k in range(3)] for i, name in enumerate(FILES)}
    data = load_dataset(place, given(place, "l.json", json.dumps({"labels": list(hot.items())})))
    assert data.names == ("0", "1", "2") and labels_by_shade(data)[5] == 2


@pytest.mark.parametrize("pack", [unpacked, zipped])
def test_a_label_file_in_a_wrapping_folder_is_found(tmp_path, pack):
    """As archives of StyleGAN's tools are repacked; the names are relative to the file."""
    images = shades(8, "set/00000/") | shades(8, "set/00001/")
    labels = [[name.removeprefix("set/"), i % 3] for i, name in enumerate(images)]
    files = images | {"set/dataset.json": json.dumps({"labels": labels}).encode()}
    data = load_dataset(pack(tmp_path / ("x.zip" if pack is zipped else "x"), files))
    assert data.names == ("0", "1", "2") and not data.skipped


def test_numbered_folders_of_stylegan_are_no_classes(tmp_path):
    numbered = {f"{i // 8:05d}/img{i:08d}.png": png(i) for i in range(16)}
    assert load_dataset(unpacked(tmp_path / "a", numbered)).names == ()
    assert load_dataset(unpacked(tmp_path / "b", shades(8, "00000/") | shades(8, "00001/"))).names == ("00000", "00001")


def test_the_first_cause_of_missing_classes_is_named(tmp_path, capsys):
    folder = unpacked(tmp_path / "a", shades(16) | {"dataset.json": b'{"labels": [["000.png", 0],]}'})
    message = refused(capsys, "train", "cgan", "--data", folder, "--out", tmp_path / "run")
    assert "cgan learns by class, and dataset.json is not used: " in message and "line 1 column 28" in message
