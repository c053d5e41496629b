"""Two domains: every layout, who is whose partner, both directions, and what is refused."""

import io
import zipfile

import numpy as np
import pytest
import torch
from commands import refused, spar
from data.pictures import png, shades, told, unpacked, zipped
from PIL import Image

from sparring.data import Options
from sparring.modalities.load import load_dataset
from sparring.modalities.preview import network_preview


def shade(x: torch.Tensor) -> list[int]:
    return x[:, 0, 0, 0].tolist()


def two(a: str, b: str, n: int = 12, start: int = 0) -> dict[str, bytes]:
    """Pictures of A of shade i, and of B of the same name and shade i + 100."""
    return {
        f"{folder}/{i:03d}.png": png(i + lift) for folder, lift in ((a, 0), (b, 100)) for i in range(start, start + n)
    }


LAYOUTS = {
    "trainA": two("trainA", "trainB") | two("testA", "testB", 3, 12),
    "A/train": two("A/train", "B/train") | two("A/test", "B/test", 3, 12),
    "wrapped": two("set/trainA", "set/trainB") | two("set/testA", "set/testB", 3, 12),
    "val": two("A/train", "B/train") | two("A/val", "B/val", 3, 12),
    "train_A": two("train_A", "train_B") | two("test_A", "test_B", 3, 12),
    "Train-A": two("Train-A", "Train-B") | two("Validation-A", "Validation-B", 3, 12),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pack", [unpacked, zipped])
def test_partners_stand_together(layout, pack, tmp_path):
    place = pack(tmp_path / ("x.zip" if pack is zipped else "x"), LAYOUTS[layout])
    data = load_dataset(place)
    assert data.modality == "pair" and not data.unpaired and data.shape == (1, 16, 16) and data.layout == {"inputs": 1}
    assert (len(data.train), len(data.test)) == (12, 3) and data.classes == 0
    for part in (data.train, data.test):
        assert shade(part.values) == [s + 100 for s in shade(part.condition)]
    assert shade(data.train.values) != sorted(shade(data.train.values))
    back = load_dataset(place, Options(direction="BtoA"))
    assert shade(back.train.condition) == [s + 100 for s in shade(back.train.values)]
    assert back.fingerprint != data.fingerprint == load_dataset(place).fingerprint


def test_channels_are_each_domains_own(tmp_path):
    colour = {f"trainB/{i:03d}.png": png((i, 0, 0), (20, 16), "RGB") for i in range(14)}
    folder = unpacked(tmp_path, shades(14, "trainA/") | colour)
    data = load_dataset(folder, Options(size=(8, 8)))
    assert data.shape == (3, 8, 8) and data.train.condition.shape[1:] == (1, 8, 8)
    assert len(data.train) + len(data.test) == 14
    assert network_preview(data).image.size[0] > 0


def test_a_test_part_has_the_channels_of_its_train_part(tmp_path):
    colour = {f"trainB/{i:03d}.png": png((i + 100, 0, 0), mode="RGB") for i in range(12)}
    folder = unpacked(tmp_path / "x", two("trainA", "trainB") | two("testA", "testB", 3, 12) | colour)
    data = load_dataset(folder)
    assert data.train.values.shape[1:] == data.test.values.shape[1:] == (3, 16, 16)
    assert data.train.condition.shape[1:] == data.test.condition.shape[1:] == (1, 16, 16)
    wide = {f"train/{i}.png": png((i, 0, 0), (32, 16), "RGB") for i in range(12)}
    data = load_dataset(unpacked(tmp_path / "y", wide | {"test/0.png": beside(3)}), Options(direction="AtoB"))
    assert data.train.values.shape[1:] == data.test.values.shape[1:] == (3, 16, 16)


def test_an_entry_that_is_there_twice_shifts_no_pair(tmp_path):
    path = zipped(tmp_path / "x.zip", two("trainA", "trainB", 14))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("trainB/003.png", png(7))
    data = load_dataset(path)
    assert ("trainB/003.png", "duplicate name") in data.skipped and not data.unpaired
    assert len(data.train) + len(data.test) == 14
    for part in (data.train, data.test):
        assert shade(part.values) == [s + 100 for s in shade(part.condition)]


def test_a_and_b_are_classes_unless_a_direction_is_asked_for(tmp_path):
    folder = unpacked(tmp_path, two("A", "B"))
    assert load_dataset(folder).classes == 2
    data = load_dataset(folder, Options(direction="AtoB"))
    assert data.modality == "pair" and shade(data.test.values) == [s + 100 for s in shade(data.test.condition)]


def beside(i: int) -> bytes:
    array = np.full((16, 32), i, np.uint8)
    array[:, 16:] += 100
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_two_side_by_side(tmp_path):
    files = {f"train/{i}.png": beside(i) for i in range(12)} | {f"test/{i}.png": beside(i) for i in range(20, 23)}
    folder = unpacked(tmp_path, files)
    data, back = (load_dataset(folder, Options(direction=way)) for way in ("AtoB", "BtoA"))
    assert data.shape == (1, 16, 16) and (len(data.train), len(data.test)) == (12, 3)
    assert sorted(shade(data.train.condition)) == list(range(12)) and shade(data.test.values) == [120, 121, 122]
    assert shade(back.test.values) == [20, 21, 22] and shade(back.test.condition) == [120, 121, 122]


def test_names_that_do_not_match_are_told_and_no_pairs_made(tmp_path):
    folder = unpacked(tmp_path, shades(12, "trainA/") | shades(15, "trainB/"))
    data = load_dataset(folder)
    assert "trainA has 12 images, trainB 15" in data.unpaired and "012, 013, 014" in data.unpaired
    assert len(data.train) + len(data.test) == 15
    (folder / "trainA" / "000.png").write_bytes(b"broken")
    assert "000, 012, 013 and 1 more" in load_dataset(folder).unpaired


def test_pictures_without_a_partner_are_named_before_anything_is_made(tmp_path, capsys):
    other = {f"trainB/{name}.png": png(9) for name in ("cat", "dog")}
    uneven = unpacked(tmp_path / "x", shades(12, "trainA/") | shades(14, "trainB/"))
    misnamed = unpacked(tmp_path / "y", shades(14, "trainA/") | shades(12, "trainB/") | other)
    twice = unpacked(tmp_path / "z", two("trainA", "trainB") | {"trainB/003.bmp": png(3)})
    for folder, why in (
        (uneven, "trainA has 12 images, trainB 14; without a partner of the same name: 012, 013"),
        (misnamed, "trainA has 14 images, trainB 14; without a partner of the same name: 012, 013, cat and 1 more"),
        (
            twice,
            "trainA has 12 images, trainB 13; without a partner of the same name: none, but a name occurs twice",
        ),
    ):
        line = refused(capsys, "train", "pix2pix", "--data", folder, "--out", tmp_path / "run")
        assert "pix2pix needs pairs" in line and why in line and not (tmp_path / "run").exists()


def test_what_is_refused(tmp_path, capsys):
    folder = unpacked(tmp_path / "x", two("trainA", "trainB", 5))
    assert "has only 5 pairs: 12 are needed" in told(folder)
    empty = unpacked(tmp_path / "y", shades(12, "trainA/") | {"trainB/0.png": b""})
    assert "trainB has no usable images" in told(empty)
    assert "unknown direction 'AtoC'" in refused(
        capsys, "data", "preview", folder, "--direction", "AtoC", "--out", tmp_path / "p.png"
    )


def test_damage_is_shown(tmp_path, capsys):
    folder = unpacked(tmp_path / "x", shades(12))
    assert spar("data", "preview", folder, "--damage", "noise:0.1,box:0.4", "--out", tmp_path / "p.png") == 0
    assert Image.open(tmp_path / "p.png").size[0] > 100
    words = ["data", "preview", folder, "--damage", "nois", "--out", tmp_path / "q.png"]
    assert "unknown degradation 'nois'" in refused(capsys, *words)


def test_val_is_not_mixed_with_test(tmp_path):
    files = {}
    for part, n, start in (("train", 12, 0), ("val", 5, 12), ("test", 3, 17)):
        files |= two(f"A/{part}", f"B/{part}", n, start)
    data = load_dataset(unpacked(tmp_path, files))
    assert (len(data.train), len(data.test)) == (12, 3) and shade(data.test.condition) == [17, 18, 19]
    assert data.skipped == (("val", "not read, as there is test"),)


def test_subfolders_are_part_of_the_name(tmp_path):
    """aachen/000 and bonn/000 are two pairs."""
    files = two("trainA/aachen", "trainB/aachen", 7) | two("trainA/bonn", "trainB/bonn", 7)
    data = load_dataset(unpacked(tmp_path, files))
    assert not data.unpaired and len(data.train) + len(data.test) == 14
    assert shade(data.train.values) == [s + 100 for s in shade(data.train.condition)]


def test_the_partner_of_a_damaged_image_is_left_out(tmp_path):
    folder = unpacked(tmp_path, two("trainA", "trainB", 14))
    (folder / "trainA" / "005.png").write_bytes(b"broken")
    data = load_dataset(folder)
    assert not data.unpaired and len(data.train) + len(data.test) == 13
    (damaged, _), partner = sorted(data.skipped)
    assert damaged == "trainA/005.png" and partner == ("trainB/005.png", "its partner is left out")


def test_names_in_either_unicode_form_match(tmp_path):
    a = {f"trainA/e\u0301{i}.png": png(i) for i in range(12)}
    b = {f"trainB/\u00e9{i}.png": png(i) for i in range(12)}
    assert not load_dataset(unpacked(tmp_path, a | b)).unpaired


def wide(width: int, height: int) -> bytes:
    """Brightness x in column x of the left half, 255 in the right one."""
    half = np.tile(np.arange(width // 2, dtype=np.uint8), (height, 1))
    file = io.BytesIO()
    Image.fromarray(np.hstack([half, np.full_like(half, 255)])).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("width", [32, 192])
def test_images_of_another_ratio_are_cut_in_halves_only_by_a_given_size(tmp_path, capsys, width):
    folder = unpacked(tmp_path, {f"{i}.png": wide(width, 32) for i in range(12)})
    message = refused(capsys, "data", "preview", folder, "--direction", "AtoB", "--out", tmp_path / "p.png")
    assert f"{width // 32} times as wide as high" in message and "--size HEIGHTxWIDTH" in message
    assert load_dataset(folder, Options(direction="AtoB", size=(32, width // 2))).shape == (1, 32, width // 2)


def test_halves_are_fitted_one_by_one(tmp_path):
    """A half of 32×96 into 32×32: cropped to the middle third, squeezed, or with bars, never mixed with the other."""
    folder = unpacked(tmp_path, {f"{i}.png": wide(192, 32) for i in range(12)})
    crop, stretch, pad = (
        load_dataset(folder, Options(direction="AtoB", size=(32, 32), fit=fit)).train
        for fit in ("crop", "stretch", "pad")
    )
    assert crop.condition[0, 0, 0].tolist() == list(range(32, 64)) and (crop.values == 255).all()
    row = stretch.condition[0, 0, 0].float()
    assert row[0] < 3 and row[-1] > 92 and (stretch.values == 255).all()
    assert len(set(pad.condition[0, 0, :8].flatten().tolist())) == 1 and pad.condition[0, 0, 16].float().std() > 20
