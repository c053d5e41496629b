"""Masks as people write them: which pixels they mark."""

import io
import warnings
from functools import partial

import numpy as np
import pytest
from cases import examples
from commands import spar
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from translators import noise

from sparring.apply.masks import mask_remarks, masked_name, read_mask
from sparring.data.files import FileItem

MISSING = np.zeros((16, 20), bool)
MISSING[3:8, 4:12] = True
ON = MISSING.astype(np.uint8)


def rgba(colour: np.ndarray, alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([np.broadcast_to(colour, (16, 20, 3)), alpha]).astype(np.uint8))


def palette() -> Image.Image:
    image = Image.fromarray(ON, "P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    return image


MASKS = {
    "0 and 255": Image.fromarray(ON * 255),
    "0 and 1": Image.fromarray(ON),
    "1 bit": Image.fromarray(MISSING),
    "16 bits": Image.fromarray(ON.astype(np.uint16) * 65535),
    "16 bits, 0 to 255": Image.fromarray(ON.astype(np.uint16) * 255),
    "32 bits": Image.fromarray(ON.astype(np.int32)),
    "floating point": Image.fromarray(ON.astype(np.float32)),
    "red on black": Image.fromarray(ON[..., None] * np.array([255, 0, 0], np.uint8)),
    "dark red of a palette": palette(),
    "white on transparent": rgba(np.array([255] * 3), ON * 255),
    "red on transparent": rgba(np.array([255, 0, 0]), ON * 255),
    "white on opaque black": rgba(ON[..., None] * 255, np.full((16, 20), 255)),
    "white on black, transparent edge": rgba(ON[..., None] * 255, np.where(np.arange(20) == 19, 0, 255) + 0 * ON),
    "erased from black": rgba(np.zeros(3), 255 - ON * 255),
    "erased from a photograph": rgba(noise(16, 20), 255 - ON * 255),
}


def known(image: Image.Image, invert: bool = False, **options) -> np.ndarray:
    file = io.BytesIO()
    image.save(file, options.pop("format", "TIFF" if image.mode in ("F", "I") else "PNG"), **options)
    return read_mask(FileItem("m", partial(io.BytesIO, file.getvalue())), invert)[0, 0].numpy()


@pytest.mark.parametrize("name", [name for name in MASKS if "transparent edge" not in name])
def test_what_a_mask_marks(name):
    assert np.array_equal(known(MASKS[name]), ~MISSING)


def test_inverted():
    assert np.array_equal(known(Image.fromarray(255 - ON * 255), invert=True), ~MISSING)


def test_a_photograph_with_erased_pixels_is_inverted_too():
    assert np.array_equal(known(MASKS["erased from black"], invert=True), MISSING)


def test_lossy_masks():
    blocks = np.kron(np.eye(4, dtype=np.uint8) * 255, np.ones((8, 8), np.uint8))
    assert np.array_equal(known(Image.fromarray(blocks), format="JPEG", quality=75), blocks == 0)


def test_nothing_is_missing_in_a_black_mask():
    assert known(Image.fromarray(ON * 0)).all()


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a_mask.png", "a"),
        ("a_mask001.png", "a"),
        ("in/a.b_mask.jpg", "in/a.b"),
        ("a_mask_mask.png", "a_mask"),
        ("a.png", None),
        ("_mask.png", None),
        ("a_masked.png", None),
    ],
)
def test_names(name, image):
    assert masked_name(name) == image


def test_remarks():
    assert not mask_remarks([("a", 0.2), ("b", 0.5)])
    nothing, most = mask_remarks([("a", 0.0), ("b", 0.86), *((f"c{i}", 0.9) for i in range(5))])
    assert "marks no missing pixel: a 0%" in nothing and "--invert-mask" in nothing
    assert "more than half of the image as missing: b 86%, c0 90%, c1 90% and 3 more" in most


@pytest.mark.parametrize("name", ["a_mask.png", "a_mask001.png", "a_mask.jpg"])
@pytest.mark.parametrize("single", [True, False])
def test_a_mask_beside_an_image_is_found(runs, tmp_path, capsys, name, single):
    (tmp_path / "in").mkdir()
    x = noise(16, 24)
    Image.fromarray(x).save(tmp_path / "in" / "a.png")
    mask = np.zeros((16, 24), np.uint8)
    mask[:, :16] = 255
    Image.fromarray(mask).save(tmp_path / "in" / name, quality=95)
    given_input, out = ("in/a.png", "out.png") if single else ("in", "out")
    for words, kept in (((), mask == 0), (("--invert-mask",), mask > 0)):
        target = tmp_path / ("inverted " * bool(words) + out)
        assert spar("apply", runs / "inpaint", tmp_path / given_input, "--out", target, *words) == 0
        made = np.asarray(Image.open(target if single else target / "a.png"))
        assert np.array_equal(made[kept], x[kept]) and not np.array_equal(made, x)
        assert ("more than half of the image as missing" in capsys.readouterr().err) == (not words)


modes = st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])


@examples(60)
@given(modes, st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(1, 256), st.booleans())
def test_any_image_is_a_mask(mode, height, width, seed, levels, invert):
    """Every pixel is known or missing, and inverting changes all of them."""
    values = np.random.default_rng(seed).integers(0, levels, (height, width, 4))
    image = (
        Image.fromarray(values[..., 0].astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
        if mode in ("I;16", "I", "F")
        else Image.fromarray(values.astype(np.uint8)).convert(mode)
    )
    file_format = {"format": "TIFF"} if mode == "CMYK" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, while it writes a palette
        mask = known(image, invert, **file_format)
    assert mask.shape == (height, width) and mask.dtype == bool
    assert np.array_equal(known(image, not invert, **file_format), ~mask)
