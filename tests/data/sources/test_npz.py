"""Arrays: npz of every layout and range, idx files, and what is said of others."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
import torch
from data.pictures import told

from sparring.data import Options
from sparring.data.in_memory import of_arrays
from sparring.data.sources.npz import channels_first
from sparring.errors import UserError
from sparring.modalities.load import load_dataset

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (12, 3, 8, 8), np.uint8)
PIXELS[:, 0, 0, :2] = 0, 255


def every(data) -> torch.Tensor:
    """All values, in an order that does not depend on the split."""
    values = torch.cat([data.train.values, data.test.values])
    return values[sorted(range(len(values)), key=lambda i: values[i].flatten().tolist())]


def saved(path, **arrays):
    np.savez_compressed(path / "a.npz", **arrays)
    return path / "a.npz"


@pytest.mark.parametrize("shape, channels", [
    ((5, 8, 8), (1, 8, 8)), ((5, 8, 8, 3), (3, 8, 8)), ((5, 3, 8, 8), (3, 8, 8)), ((5, 8, 8, 13), (13, 8, 8)),
    ((5, 13, 8, 8), (13, 8, 8)), ((5, 4, 8, 6), (4, 8, 6)), ((5, 8, 6, 4), (4, 8, 6)), ((5, 9, 8, 8), (9, 8, 8)),
])  # fmt: skip
def test_layouts(shape, channels):
    assert channels_first(np.zeros(shape)).shape[1:] == channels


KINDS = {
    "uint8": PIXELS,
    "channels last": PIXELS.transpose(0, 2, 3, 1),
    "unit": (PIXELS / 255).astype(np.float32),
    "around zero": PIXELS / 127.5 - 1,
    "half": (PIXELS / np.float64(127.5) - 1).astype(np.float16),
    "uint16": PIXELS.astype(np.uint16) * 257,
    "big-endian": (PIXELS.astype(np.uint16) * 257).astype(">u2"),
}


@pytest.mark.parametrize("images", KINDS.values(), ids=KINDS)
def test_values(tmp_path, images):
    got = every(load_dataset(saved(tmp_path, whatever=images)))
    expected = every(load_dataset(saved(tmp_path, images=PIXELS)))
    assert got.shape == (12, 3, 8, 8) and got.dtype == torch.uint8
    assert torch.equal(got, expected) or (images.dtype == np.float16 and (got.int() - expected.int()).abs().max() <= 1)


def test_bools(tmp_path):
    assert every(load_dataset(saved(tmp_path, images=PIXELS[:, 0] > 100))).unique().tolist() == [0, 255]


@pytest.mark.parametrize("channels", [2, 5, 12])
def test_many_channels(tmp_path, channels):
    images = RANDOM.integers(0, 256, (12, channels, 16, 16), np.uint8)
    assert load_dataset(saved(tmp_path, images=images), Options(size=(8, 4))).shape == (channels, 8, 4)
    assert f"{channels} channels can't be made rgb" in told(saved(tmp_path, images=images), Options(channels="rgb"))


def test_classes_and_attributes(tmp_path):
    data = load_dataset(saved(tmp_path, images=PIXELS, labels=np.arange(12) % 3 * 10))
    assert data.names == ("0", "10", "20") and data.train.labels.dtype == torch.int64
    assert load_dataset(saved(tmp_path, images=PIXELS, labels=np.array(["b", "a"] * 6))).names == ("a", "b")
    data = load_dataset(saved(tmp_path, images=PIXELS, labels=np.ones((12, 4))))
    assert data.names == tuple("0123") and data.train.labels.dtype == torch.float32 and data.classes == 0


def test_nan_is_left_out(tmp_path):
    images, labels = PIXELS.repeat(2, 0) / 255, np.ones((24, 2))
    images[3, 1, 2, 3], labels[5, 1] = np.nan, np.inf
    data = load_dataset(saved(tmp_path, images=images, labels=labels))
    assert dict(data.skipped) == {
        "images[3]": "NaN or infinite pixels",
        "images[5]": "NaN or infinite labels",
    }
    assert len(data.train) + len(data.test) == 22


BAD = {
    "objects": ({"images": np.array([{}, []], object)}, "never unpickled"),
    "objects beside": ({"images": PIXELS, "labels": np.array([None] * 12)}, "never unpickled"),
    "all nan": ({"images": np.full((12, 8, 8), np.nan)}, "no usable images"),
    "wide floats": ({"images": PIXELS.astype(float)}, "floats from 0 to 255"),
    "wrong type": ({"images": PIXELS.astype(np.int64)}, "images of int64"),
    "complex": ({"images": PIXELS.astype(complex)}, "images of complex128"),
    "two": ({"x_train": PIXELS, "x_test": PIXELS}, "x_train 12×3×8×8"),
    "none": ({"x": np.zeros(3)}, "name the images 'images'"),
    "flat": ({"images": np.zeros((12, 64), np.uint8)}, "shape 12×64"),
    "empty": ({"images": np.zeros((0, 8, 8), np.uint8)}, "shape 0×8×8"),
    "few": ({"images": PIXELS[:11]}, "only 11 usable images"),
    "other count": ({"images": PIXELS, "labels": np.arange(5)}, "do not fit 12 images"),
    "float classes": ({"images": PIXELS, "labels": np.arange(12) / 2}, "labels of float64"),
    "text columns": ({"images": PIXELS, "labels": np.array([["a"]] * 12)}, "give numbers"),
}


@pytest.mark.parametrize("arrays, says", BAD.values(), ids=BAD)
def test_bad_npz(tmp_path, arrays, says):
    text = told(saved(tmp_path, **arrays))
    assert says in text and str(tmp_path / "a.npz") in text


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\1\0", b"x" * 99, b"\x80\4K\1."])
def test_no_npz(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    assert "damaged or not an npz" in told(tmp_path / "a.npz")


def test_names_that_cannot_be_printed(tmp_path):
    assert load_dataset(saved(tmp_path, **{"im\x07g": PIXELS, "labels": np.arange(12) % 2})).names == ("0", "1")


def test_entries_that_cannot_be_unpacked(tmp_path):
    path = saved(tmp_path, images=PIXELS)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # encrypted, says the entry and the list of them
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in told(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        file = io.BytesIO()
        np.save(file, np.arange(40_000, dtype=np.uint16).reshape(100, 20, 20))
        archive.writestr("images.npy", file.getvalue())
    content = bytearray(path.read_bytes())
    content[-1000:-200] = b"\xff" * 800
    path.write_bytes(content)
    assert "damaged or not an npz" in told(path)


@pytest.mark.parametrize("n", [1, 11])
def test_too_few_from_python(n):
    with pytest.raises(UserError, match=f"{n} usable images, 12 or more are needed"):
        of_arrays(PIXELS[:n])
    assert len(of_arrays(PIXELS).train) == 10


def test_cut_npz(tmp_path):
    path = saved(tmp_path, images=PIXELS)
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(100)
    path.write_bytes(content)
    told(path)
    path.write_bytes(content[:500])
    assert "damaged or not an npz" in told(path)


@pytest.mark.parametrize(
    "header, says",
    [
        (b"{'descr': '|u1', 'fortran_order': False, 'shape': (12, 1000000, 1000000), }", "which exceeds its data"),
        (b"{'descr': '|u1', 'fortran_order': False, 'shape': (12, -8, -8), }", "negative dimension"),
        (b"{'descr': '|u1', 'fortran_order': False, 'shape': (12, 8, 8), }, (", "damaged header"),
        (b"{'descr': '|O', 'fortran_order': False, 'shape': (12, 8, 8), }", "never unpickled"),
        (b"import os", "damaged header"),
    ],
)
def test_headers_that_lie(tmp_path, header, says):
    """A header may claim terabytes, which are not asked of the memory, or be no header at all."""
    header = header.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(999))
    assert says in told(tmp_path / "a.npz")


# --- arrays arranged


def test_a_named_set_in_another_shape_and_colour():
    assert load_dataset("digits", Options(size=(16, 8), channels="rgb", flip=True)).shape == (3, 16, 8)
    assert load_dataset("digits", Options(flip=True)).mirrored and not load_dataset("digits").mirrored
    assert (
        load_dataset("digits", Options(size=(8, 16), fit="pad")).train.values[:, 0, :, :3].float().std((1, 2)).max()
        == 0
    )


@pytest.mark.parametrize("options", [Options(size=(8, 8)), Options(flip=True), Options(channels="rgb")])
def test_points_have_no_pixels(options):
    assert "ring is of points" in told("ring", options)


FITTED = {
    "crop": [[80, 120, 160, 200]] * 4,
    "stretch": [[20, 100, 180, 248]] * 4,
    "pad": [[137] * 4] + [[20, 100, 180, 248]] * 2 + [[137] * 4],
}


@pytest.mark.parametrize("fit, expected", FITTED.items())
def test_fits(tmp_path, fit, expected):
    images = np.tile(np.array([0, 40, 80, 120, 160, 200, 240, 255], np.uint8), (12, 4, 1))
    got = every(load_dataset(saved(tmp_path, images=images), Options(size=(4, 4), fit=fit)))[0, 0]
    assert (got.int() - torch.tensor(expected)).abs().max() <= 12  # antialiasing looks beyond a pair


# --- idx


def idx(*shape: int, body: bytes) -> bytes:
    return bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + body


IMAGES = idx(12, 8, 8, body=bytes(range(12)) * 64)


@pytest.mark.parametrize("pack, ending", [(bytes, ""), (gzip.compress, ".gz")])
def test_idx(tmp_path, pack, ending):
    path = tmp_path / f"my-images-idx3-ubyte{ending}"
    path.write_bytes(pack(IMAGES))
    assert load_dataset(path).shape == (1, 8, 8) and load_dataset(path).names == ()
    (tmp_path / "my-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(12, body=bytes((3, 7) * 6))))
    assert load_dataset(path).names == ("3", "7")
    (tmp_path / "my-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(11, body=bytes(11))))
    assert "11 labels for 12 images" in told(path)


def test_unknown_ending(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"x")
    text = told(tmp_path / "a.rar")
    assert all(ending in text for ending in (".zip", ".npz", ".parquet", "idx3-ubyte.gz", "folder"))
