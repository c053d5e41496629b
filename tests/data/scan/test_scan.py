"""What is told of a data set: numbers, and pictures."""

import json

import numpy as np
import pytest
import torch
from data.pictures import png, shades, unpacked
from PIL import Image

from sparring.data import Dataset, Options, Split
from sparring.data.scan.scan import scan_spec
from sparring.errors import UserError
from sparring.modalities.load import load_dataset
from sparring.modalities.preview import dataset_sheet, network_preview


def test_a_folder(tmp_path):
    files = {**shades(8, "a/"), "b/big.png": png(9, (40, 20)), "b/colour.png": png(0, mode="RGB"), "b/bad.png": b""}
    found = scan_spec(unpacked(tmp_path, files), Options())
    Image.new("L", (16, 16)).save(tmp_path / "b" / "a.jpg")
    found = scan_spec(tmp_path, Options(size=(16, 32)))
    assert found.examples == 11 and found.formats == {"PNG": 10, "JPEG": 1} and found.modes == {"L": 10, "RGB": 1}
    assert found.sizes == {"16x16": 10, "20x40": 1} and (found.smallest, found.largest) == ((16, 16), (20, 40))
    assert found.classes == {"a": 8, "b": 3} and found.broken == (("b/bad.png", "empty file"),)
    assert found.smaller == 10 and found.proposed == (16, 32) and scan_spec(tmp_path).proposed == (16, 16)
    text = found.table()
    assert all(part in text for part in ("a: 8, b: 3", "16x16: 10", "b/bad.png: empty file", "10 images are smaller"))
    assert json.loads(json.dumps(found.to_dict()))["examples"] == 11


def test_few_are_scanned_all_the_same(tmp_path):
    assert scan_spec(unpacked(tmp_path / "a", shades(2))).examples == 2
    empty = scan_spec(unpacked(tmp_path / "b", {"x.png": b""}))
    assert empty.examples == 0 and empty.smallest is None and "x.png: empty file" in empty.table()


def test_many_broken_are_counted(tmp_path):
    text = scan_spec(unpacked(tmp_path, {f"{i:02d}.png": b"" for i in range(25)})).table()
    assert "and 15 more" in text and "24.png" not in text


def test_attributes(tmp_path):
    (tmp_path / "l.csv").write_text("file,age,tilt\n" + "".join(f"{i:03d}.png,{i},0\n" for i in range(12)))
    found = scan_spec(unpacked(tmp_path / "a", shades(12)), Options(labels=str(tmp_path / "l.csv")))
    assert found.attributes == ("age", "tilt") and found.classes == {} and "age, tilt" in found.table()


def test_named_sets():
    digits = scan_spec("digits", Options(size=(16, 16)))
    assert digits.examples == digits.smaller == 1797 and digits.sizes == {"8x8": 1797} and digits.classes["0"] == 178
    ring = scan_spec("ring")
    assert ring.proposed is None and ring.sizes == {} and "points of 2 numbers" in ring.table()


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((5, 8, 6, 4), np.uint8), labels=np.arange(5) % 2)
    found = scan_spec(tmp_path / "a.npz")
    assert found.formats == {"npz": 5} and found.modes == {"4 channels": 5} and found.classes == {"0": 3, "1": 2}
    assert found.proposed == (8, 6) and found.smaller == 0


def test_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no data set or folder"):
        scan_spec(tmp_path / "none")


def made(labels: list[int] | None, shape=(1, 32, 32), **more) -> Dataset:
    n = 100 if labels is None else len(labels)
    values = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, *shape).contiguous()
    part = Split(values, None if labels is None else torch.tensor(labels))
    return Dataset.of("x", part, part[:2], tuple(map(str, range(max(labels or [0]) + 1))), **more)


def cells(sheet: Image.Image, n: int, columns: int = 8) -> list[int]:
    return [sheet.getpixel((2 + i % columns * 34, 2 + i // columns * 34)) for i in range(n)]


def test_a_contact_sheet_is_spread_over_the_classes():
    labels = [0] * 90 + [1, 2] * 5
    shown = cells(dataset_sheet(made(labels)).image, 64)
    assert shown == [*range(54), *range(90, 100, 2), *range(91, 100, 2)]
    many = cells(dataset_sheet(made(list(range(100)))).image, 64)
    assert many[0] == 0 and many[-1] == 99 and len(set(many)) == 64
    assert cells(dataset_sheet(made(None)).image, 64) == list(range(64))


def test_preview_shows_mirrored_copies():
    data = made(None, (1, 32, 32), mirrored=True)
    data.train.values[:, :, :, 16:] = 200
    sheet = network_preview(data).image
    assert sheet.getpixel((2, 2)) == 0 and sheet.getpixel((2 + 31, 2)) == 200
    row, column = divmod(64, 12)  # 128 cells in 12 columns
    left, top = 2 + column * 34, 2 + row * 34
    assert sheet.getpixel((left, top)) == 200 and sheet.getpixel((left + 31, top)) == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_pictures_of_any_channels_and_shape(channels):
    data = made([0, 1] * 6, (channels, 20, 32))
    assert network_preview(data).image.tobytes() == dataset_sheet(data).image.tobytes()


def test_points():
    assert network_preview(load_dataset("ring")).image.size == dataset_sheet(load_dataset("ring")).image.size
