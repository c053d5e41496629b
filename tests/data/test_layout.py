"""What the folders of a data set are taken for."""

import pytest
from cases import examples
from commands import spar
from data.pictures import png, shades, unpacked, zipped
from hypothesis import given
from hypothesis import strategies as st

from sparring.data.files import FileItem
from sparring.data.layout import SPLIT_FOLDERS, folder_splits, with_folder_labels, wrapping_folders
from sparring.modalities.load import load_dataset


def images(counts: dict[str, int]) -> dict[str, bytes]:
    """So many images in each folder, each of a brightness of its own."""
    names = [f"{folder}{i:03d}.png" for folder, n in counts.items() for i in range(n)]
    return {name: png(i) for i, name in enumerate(names)}


@pytest.mark.parametrize("wrap", ["", "set/"])
@pytest.mark.parametrize("pack", [unpacked, zipped])
@pytest.mark.parametrize("test", ["test", "val", "Valid", "validation", "eval"])
def test_splits_with_classes(tmp_path, pack, wrap, test):
    counts = {f"{wrap}{part}/{name}/": n for part, n in (("train", 10), (test, 4)) for name in ("cat", "dog")}
    data = load_dataset(pack(tmp_path / ("x.zip" if pack is zipped else "x"), images(counts)))
    assert data.names == ("cat", "dog") and (len(data.train), len(data.test)) == (20, 8)
    assert sorted(data.test.values[:, 0, 0, 0].tolist()) == list(range(20, 28))
    assert data.test.labels.tolist() == [0] * 4 + [1] * 4
    (remark,) = data.remarks
    assert "20 images for training, 8 of " in remark


def test_test_is_used_before_val(tmp_path):
    data = load_dataset(unpacked(tmp_path, images({"train/": 20, "val/": 5, "test/": 4})))
    assert data.names == () and sorted(data.test.values[:, 0, 0, 0].tolist()) == list(range(25, 29))
    assert len(data.train) == 20 and "5 of val are not used" in data.remarks[0]


def test_splits_of_too_few_are_joined(tmp_path):
    data = load_dataset(unpacked(tmp_path, images({"train/": 17, "test/": 1})))
    assert len(data.train) == 15 and len(data.test) == 3 and "too few" in data.remarks[0]


def test_folders_like_splits_among_others_are_classes(tmp_path):
    data = load_dataset(unpacked(tmp_path, images({"train/": 10, "test/": 10, "plane/": 10})))
    assert data.names == ("plane", "test", "train") and not data.remarks


def test_a_few_images_in_folders_are_no_classes(tmp_path, capsys):
    folder = unpacked(tmp_path / "x", images({"": 40, "more/": 5, "old/": 4}))
    data = load_dataset(folder)
    assert data.names == () and len(data.train) + len(data.test) == 49
    words = ("--out", tmp_path / "run", "--images", 64, "--reports", 1)
    assert spar("train", "mlp-gan", "--data", folder, *words) == 0
    assert "40 images beside folders and 9 in them are one set without classes" in capsys.readouterr().err


def test_a_few_images_beside_classes_are_left_out(tmp_path):
    data = load_dataset(unpacked(tmp_path, images({"": 3, "more/": 15, "old/": 14})))
    assert data.names == ("more", "old") and len(data.skipped) == 3


def test_images_of_one_level_need_no_remark(tmp_path):
    assert not load_dataset(unpacked(tmp_path, shades(14, "a/"))).remarks


words = st.sampled_from(["train", "Test", "val", "a", "b", "00000", "img00000001"])


@examples(100)
@given(st.lists(st.lists(words, max_size=3), min_size=1, max_size=12))
def test_any_folders(paths):
    """Each file is labelled or skipped, or none is labelled; no folder of a split is a class beside another split."""
    names = sorted({"/".join([*folders, f"{i}.png"]) for i, folders in enumerate(paths)})
    items = tuple(FileItem(name, open) for name in names)
    labelled, skipped = with_folder_labels(items)
    assert sorted([item.name for item in labelled] + [name for name, _ in skipped]) == names
    assert all(item.label for item in labelled) or not (skipped or any(item.label for item in labelled))
    assert all(name.startswith(wrapping_folders(names)[-1]) for name in names)
    splits = folder_splits(names)
    assert not splits or (len(splits) == len(names) and {*splits} <= {*SPLIT_FOLDERS})
