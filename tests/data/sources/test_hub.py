import io
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from data.pictures import png
from PIL import Image

from sparring.data import Options
from sparring.data.load import preparable_source
from sparring.data.prepare.prepare import prepare_dataset
from sparring.errors import UserError
from sparring.modalities.load import load_dataset


@dataclass
class ClassLabel:
    names: list[str]

    def int2str(self, value: int) -> str:
        if not 0 <= value < len(self.names):
            raise ValueError(f"Invalid integer class label {value}")
        return self.names[value]


@dataclass
class Feature:
    decode: bool = True


class Rows:
    """As much of a data set of the library as is used."""

    def __init__(self, features: dict, columns: dict[str, list]):
        self.features, self.columns, self._fingerprint = features, columns, repr(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key: str | int):
        return self.columns[key] if isinstance(key, str) else {name: of[key] for name, of in self.columns.items()}

    def cast_column(self, column: str, kind: Feature) -> "Rows":
        assert not kind.decode
        return Rows(self.features | {column: kind}, self.columns)


def pictures(labels: list, kind: object = None, names=("cat", "dog")) -> Rows:
    """An image of each shade, with its label."""
    kept = {"label": kind or ClassLabel(list(names))}
    images = [{"bytes": png(10 * i), "path": None} for i in range(len(labels))]
    return Rows({"image": Feature(), **kept}, {"image": images, "label": labels})


@pytest.fixture
def held(tmp_path, monkeypatch):
    """Makes a SPEC of what the library would read from a disk, without the library."""

    def make(rows: object) -> str:
        library = SimpleNamespace(load_from_disk=lambda place: rows, Image=Feature, ClassLabel=ClassLabel)
        monkeypatch.setitem(sys.modules, "datasets", library)
        return f"hf:{tmp_path}"

    return make


def seen(data) -> dict:
    """Each image, told by its shade, with its class."""
    return {
        int(image[0, 0, 0]): data.names[label]
        for part in (data.train, data.test)
        for image, label in zip(part.values, part.labels.tolist(), strict=True)
    }


def test_rows_with_their_classes(held, tmp_path):
    spec = held({"train": pictures([i % 2 for i in range(24)]), "test": None})
    expected = {10 * i: ("cat", "dog")[i % 2] for i in range(24)}
    assert seen(load_dataset(spec)) == expected
    prepare_dataset(preparable_source(spec), tmp_path / "out", Options(size=(8, 8)), 1)
    assert seen(load_dataset(tmp_path / "out")) == expected
    assert load_dataset(held(pictures(["b", "a"] * 12, "text"))).names == ("a", "b")
    assert load_dataset(held(pictures([7, -1] * 12, "int64"))).names == ("-1", "7")


@pytest.mark.parametrize("first", [-1, None])
def test_rows_without_a_class_are_left_out(held, first):
    data = load_dataset(held(pictures([first, *(i % 2 for i in range(1, 24))])))
    assert data.skipped == (("row 0", "no class, but others have one"),) and data.names == ("cat", "dog")
    assert load_dataset(held(pictures([first] * 24))).names == ()


def test_what_cannot_be_read_of_a_hub(held):
    with pytest.raises(UserError, match="has no split 'train', only test, new: save"):
        load_dataset(held({"test": None, "new": None}))
    with pytest.raises(UserError, match="has no image column, only text"):
        load_dataset(held(Rows({"text": None}, {"text": ["a"]})))
    empty = pictures([0, 1] * 12)
    empty.columns["image"][3] = {"bytes": None, "path": None}
    assert load_dataset(held(empty)).skipped == (("row 3", "no image in this row"),)


def test_a_set_saved_to_disk_is_read_and_prepared(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    images = [Image.open(io.BytesIO(png(10 * i))) for i in range(24)]
    rows = datasets.Dataset.from_dict({"image": images, "label": [i % 2 for i in range(24)]}, features=features)
    rows.save_to_disk(str(tmp_path / "saved"))
    spec = f"hf:{tmp_path / 'saved'}"
    prepare_dataset(preparable_source(spec), tmp_path / "out", Options(size=(8, 8)), 1)
    for data in (load_dataset(spec, Options(size=(8, 8))), load_dataset(tmp_path / "out")):
        assert seen(data) == {10 * i: ("cat", "dog")[i % 2] for i in range(24)}
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(str(tmp_path / "bare"))
    with pytest.raises(UserError, match="no image column, only text"):
        load_dataset(f"hf:{tmp_path / 'bare'}")


def test_what_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"can't read hf:|sparring\[hf\]") as told:
        load_dataset(f"hf:{tmp_path / 'none'}")
    assert "\n" not in str(told.value)
