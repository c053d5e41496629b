"""One image file, from its bytes to a small array."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sparring.data.image.geometry import inside, middle
from sparring.errors import one_line

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
MOST_PIXELS = 64 * 2**20
GREY = {"1", "L", "LA", "La"}
DEEP = {"I;16", "I;16B", "I;16L", "I"}
"""Grey of 16 bits; Pillow's own conversion to 8 bits clips instead of scaling."""
ORIENTATION, LYING = 0x0112, range(5, 9)
"""The EXIF tag, and its values that exchange width and height."""


class UnreadableImage(Exception):
    """Why a file was left out."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before its pixels."""

    format: str
    size: tuple[int, int]
    """Height and width, upright."""
    mode: str
    """Pillow's name for the kind of pixels."""


def header(open_file: Callable[[], BinaryIO]) -> Header:
    """Raises Unusable, with the reason."""
    with opened(open_file) as image:
        # Asking a PNG for its EXIF data would decode it.
        lying = image.format in ("JPEG", "MPO") and image.getexif().get(ORIENTATION) in LYING
        size = (image.width, image.height) if lying else (image.height, image.width)
        return Header("JPEG" if image.format == "MPO" else image.format or "", size, image.mode)


def picture(open_file: Callable[[], BinaryIO], size: tuple[int, int], fit: str = "crop") -> np.ndarray:
    """An image turned upright, at this height and width.

    Returns:
        uint8 (height, width, c): grey, grey and alpha, RGB or RGBA by c; alpha only where pixels are transparent.

    Raises:
        Unusable: with the reason.
    """
    with opened(open_file) as image:
        # A JPEG can be decoded at a half, a quarter or an eighth: twice the side is enough for a good resize.
        image.draft(None, (2 * max(size), 2 * max(size)))
        upright = ImageOps.exif_transpose(image)
        small = np.asarray(FITTED[fit](plain(upright), size))
        return small[:, :, None] if small.ndim == 2 else small


@contextmanager
def opened(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """The image with only its header read; whatever goes wrong before it is closed raises Unusable, with the reason.
    One that moves does too."""
    with readable(open_file) as image:
        # The further pictures of an MPO, which phones write as .jpg, are previews and depth maps.
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise UnreadableImage("animated, or of several pages")
        yield image


@contextmanager
def readable(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """The same of one that may move."""
    with whole(open_file) as file:
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise UnreadableImage(
                        f"{image.width}×{image.height} is more than {MOST_PIXELS // 2**20} megapixels"
                    )
                yield image
        except UnidentifiedImageError:
            raise UnreadableImage(f"not a {', '.join(FORMATS[:-1]).lower()} or {FORMATS[-1].lower()} image") from None


@contextmanager
def whole(open_file: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    """A file that is not empty, from its start; whatever goes wrong before it is closed raises Unusable, with the
    reason."""
    try:
        with open_file() as file:
            if not file.seek(0, 2):
                raise UnreadableImage("empty file")
            file.seek(0)
            yield file
    except UnreadableImage:
        raise
    except Exception as error:  # fed a damaged file, a decoder raises almost anything
        raise UnreadableImage(one_line(getattr(error, "strerror", None) or error) or type(error).__name__) from None


def plain(image: Image.Image) -> Image.Image:
    """As 8-bit grey or RGB, with alpha if a pixel is transparent. Raises Unusable for pixels of floats."""
    if image.mode in DEEP:
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImage("its pixels are floating-point numbers: keep such images in an npz")
    mode = "L" if image.mode in GREY else "RGB"
    if image.has_transparency_data:
        layer = image.convert("RGBA").convert(f"{mode}A")
        return layer if np.asarray(layer.getchannel("A")).min() < 255 else layer.convert(mode)
    return image.convert(mode)


def _cropped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    top, left, height, width = middle((image.height, image.width), size)
    return _stretched(image.crop((left, top, left + width, top + height)), size)


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    height, width = inside((image.height, image.width), size)
    small = np.asarray(_stretched(image, (height, width)))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).astype(float)
    whole = np.empty((*size, *small.shape[2:]), np.uint8)
    whole[:] = edge.mean(0).round().astype(np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    whole[top : top + height, left : left + width] = small
    return Image.fromarray(whole)


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize((size[1], size[0]), Image.Resampling.LANCZOS)


FITTED: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "crop": _cropped,
    "pad": _padded,
    "stretch": _stretched,
}
