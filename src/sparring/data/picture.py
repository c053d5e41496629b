"""One image file, as a small square array."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sparring.errors import one_line

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
MOST_PIXELS = 64 * 2**20
GREY = {"1", "L", "LA"}
DEEP = {"I;16", "I;16B", "I;16L", "I"}
"""Grey of 16 bits; Pillow's own conversion to 8 bits clips instead of scaling."""


class Unusable(Exception):
    """Why a file was left out."""


def short_side(path: Path) -> int | None:
    """The shorter side in pixels by the file's header alone; None for a file that can't be used."""
    try:
        with _opened(path) as image:
            return min(image.size)
    except Exception:
        return None


def square(path: Path, size: int) -> np.ndarray:
    """The middle of an image, turned upright, on white where it is transparent.

    Returns:
        uint8 (size, size) if the file is grey, else (size, size, 3).

    Raises:
        Unusable: with the reason.
    """
    try:
        with _opened(path) as image:
            # A JPEG can be decoded at a half, a quarter or an eighth: twice the side is enough for a good resize.
            image.draft(None, (2 * size, 2 * size))
            upright = ImageOps.exif_transpose(image)
        small = _flat(_middle(upright)).resize((size, size), Image.Resampling.LANCZOS)
    except Unusable:
        raise
    except UnidentifiedImageError:
        raise Unusable("not a png, jpeg, bmp or webp image") from None
    except Exception as error:  # fed a damaged file, a decoder raises almost anything
        raise Unusable(one_line(getattr(error, "strerror", None) or error) or type(error).__name__) from None
    return np.asarray(small)


def _opened(path: Path) -> Image.Image:
    if not os.path.getsize(path):
        raise Unusable("empty file")
    image = Image.open(path, formats=FORMATS)
    # Only the header has been read so far.
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise Unusable(f"{image.width}×{image.height} is more than {MOST_PIXELS // 2**20} megapixels")
    return image


def _middle(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _flat(image: Image.Image) -> Image.Image:
    """As 8-bit grey or RGB, without transparency or palette."""
    if image.mode in DEEP:
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    mode = "L" if image.mode in GREY else "RGB"
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert(mode)
