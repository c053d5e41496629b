"""Folders of images: modes, classes, what is left out and why, and one-line errors."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from data.pictures import shades, told, unpacked
from PIL import Image

from sparring.data import Options
from sparring.modalities.load import load_dataset


def fill(folder: Path, n: int = 12, colour: int | tuple = 90, mode: str = "L", size=(16, 16)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        Image.new(mode, size, colour).save(folder / f"{i:03d}.png")
    return folder


def every(data) -> torch.Tensor:
    return torch.cat([data.train.values, data.test.values])


# --- a folder


def test_flat_grey_folder(tmp_path):
    data = load_dataset(fill(tmp_path / "a", 24))
    assert (data.shape, data.names, data.classes, data.train.labels) == ((1, 16, 16), (), 0, None)
    assert (len(data.train), len(data.test), data.skipped) == (20, 4, ())
    assert (every(data) == 90).all() and data.spec == str(tmp_path / "a")


def test_one_coloured_image_makes_the_set_rgb(tmp_path):
    folder = fill(tmp_path / "a", 23)
    Image.new("RGB", (16, 16), (1, 2, 3)).save(folder / "z.bmp")
    pixels = every(load_dataset(folder))
    assert pixels.shape == (24, 3, 16, 16)
    assert sorted({tuple(image[:, 0, 0].tolist()) for image in pixels}) == [(1, 2, 3), (90, 90, 90)]


def test_classes(tmp_path):
    for i, name in enumerate(("zebra", "ant", "bee")):
        fill(tmp_path / "a" / name, 12, colour=10 * i)
    fill(tmp_path / "a" / "bee" / "deeper", 6, colour=20)
    data = load_dataset(tmp_path / "a")
    assert data.names == ("ant", "bee", "zebra") and data.classes == 3 and len(data.train) + len(data.test) == 42
    for part in (data.train, data.test):
        assert part.labels.dtype == torch.int64
        assert torch.tensor([10, 20, 0])[part.labels].tolist() == part.values[:, 0, 0, 0].tolist()


def test_images_beside_classes_are_left_out(tmp_path):
    fill(tmp_path / "x", 8)
    fill(tmp_path / "y", 8)
    Image.new("L", (16, 16)).save(tmp_path / "stray.png")
    data = load_dataset(tmp_path)
    assert data.names == ("x", "y") and [name for name, _ in data.skipped] == ["stray.png"]


def test_a_single_class_is_none(tmp_path):
    fill(tmp_path / "only")
    assert load_dataset(tmp_path).names == () and load_dataset(tmp_path).train.labels is None


def test_a_class_with_nothing_usable_is_gone(tmp_path):
    for name in "xyz":
        fill(tmp_path / name, 8)
    for path in (tmp_path / "y").iterdir():
        path.write_bytes(b"")
    data = load_dataset(tmp_path)
    assert data.names == ("x", "z") and data.train.labels.unique().tolist() == [0, 1] and len(data.skipped) == 8


def test_a_folder_whose_name_climbs_when_it_is_printed(tmp_path):
    fill(tmp_path / "set")
    fill(tmp_path / "set" / "\x07..", 1)
    assert load_dataset(tmp_path / "set").skipped == (("../000.png", "its path leads outside the folder"),)


def test_hidden_and_other_files_are_passed_over(tmp_path):
    fill(tmp_path)
    fill(tmp_path / ".thumbs")
    for name in ("._000.png", "notes.txt", "a.svg"):
        (tmp_path / name).write_text("x")
    data = load_dataset(tmp_path)
    assert (len(data.train) + len(data.test), data.skipped) == (12, ())


def test_broken_files_are_left_out_with_a_reason(tmp_path):
    folder, outside = fill(tmp_path / "a"), fill(tmp_path / "b", colour=1)
    whole = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for ending in ("png", "jpg", "webp", "bmp"):
        path = folder / f"cut.{ending}"
        Image.fromarray(whole).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("not an image")
    Image.new("1", (8200, 8200)).save(folder / "bomb.png")
    (folder / "outside.png").symlink_to(outside / "000.png")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "others").symlink_to(outside)
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "inside.PNG").symlink_to(folder / "000.png")
    data = load_dataset(folder)
    reasons = dict(data.skipped)
    assert (every(data) == 90).all() and len(every(data)) == 13
    assert set(reasons) == {
        "cut.png", "cut.jpg", "cut.webp", "cut.bmp", "empty.png", "text.jpg", "bomb.png", "outside.png",
        "dangling.png", "loop.png", "others", "pipe.png",
    }  # fmt: skip
    assert all(reasons.values()) and not any("\n" in reason for reason in reasons.values())
    assert reasons["empty.png"] == "empty file" and "megapixels" in reasons["bomb.png"]
    assert reasons["outside.png"] == reasons["others"] == "a link to a file outside the folder"


def test_a_linked_folder_is_read(tmp_path):
    (tmp_path / "link").symlink_to(fill(tmp_path / "a"))
    assert load_dataset(tmp_path / "link").skipped == ()


@pytest.mark.parametrize("sides, size", [((16,), 16), ((31,), 24), ((300,), 64), ((5,), 8), ((8, 8, 8, 64), 8)])
def test_default_size(tmp_path, sides, size):
    for i in range(12):
        side = sides[i % len(sides)]
        Image.new("L", (side + 9, side)).save(tmp_path / f"{i}.png")
    assert load_dataset(tmp_path).shape == (1, size, size)


def test_asked_size(tmp_path):
    assert load_dataset(fill(tmp_path), Options(size=(20, 20))).shape == (1, 20, 20)


def test_fingerprint(tmp_path):
    def made(name: str, pixel: int) -> str:
        folder = fill(tmp_path / name)
        image = Image.new("L", (16, 16), 90)
        image.putpixel((15, 15), pixel)
        image.save(folder / "005.png")
        return load_dataset(folder).fingerprint

    assert made("a", 90) == made("b", 90) != made("c", 91)


# --- errors


@pytest.mark.parametrize("n, says", [(0, "no usable images"), (11, "only 11 usable images")])
def test_too_few(tmp_path, n, says):
    text = told(fill(tmp_path / "few", n))
    assert str(tmp_path / "few") in text and says in text and "12 are needed" in text


def test_none_usable_says_why(tmp_path):
    for i in range(12):
        (tmp_path / f"{i:02d}.png").write_bytes(b"")
    text = told(tmp_path)
    assert "no usable images" in text and "12 left out" in text and "00.png: empty file" in text


def test_missing(tmp_path):
    assert str(tmp_path / "none") in told(tmp_path / "none")
    assert "two lines" in told(str(tmp_path / "two\nlines"))
    for odd in ("", "x" * 5000, "a\0b"):
        assert "no data set or folder" in told(odd)


def test_a_file(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    text = told(tmp_path / "a.txt")
    assert str(tmp_path / "a.txt") in text and "ends like no file that is read" in text and ".npz" in text


def test_a_name_goes_before_a_folder(tmp_path, monkeypatch):
    fill(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert load_dataset("digits").classes == 10 and load_dataset("./digits").classes == 0


def test_system_folders_are_no_classes(tmp_path):
    files = shades(12, "cats/") | shades(12, "dogs/") | shades(2, "@eaDir/") | shades(1, "dogs/__MACOSX/")
    data = load_dataset(unpacked(tmp_path, files))
    assert data.names == ("cats", "dogs") and len(data.train) + len(data.test) == 24
    assert data.skipped == (("@eaDir/", "a system folder"), ("dogs/__MACOSX/", "a system folder"))
