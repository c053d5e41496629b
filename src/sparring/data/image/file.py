"""One image file, from its bytes to a small array."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sparring.data.image.geometry import centre_crop, fit_inside
from sparring.errors import one_line

IMAGE_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
MOST_PIXELS = 64 * 2**20
_GREY_MODES = {"1", "L", "LA", "La"}
_DEEP_MODES = {"I;16", "I;16B", "I;16L", "I"}
"""Grey of 16 bits; Pillow's own conversion to 8 bits clips instead of scaling."""
_ORIENTATION, _TRANSPOSED = 0x0112, range(5, 9)
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


def read_header(open_file: Callable[[], BinaryIO]) -> Header:
    """Raises Unusable, with the reason."""
    with open_still_image(open_file) as image:
        # Asking a PNG for its EXIF data would decode it.
        lying = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION) in _TRANSPOSED
        size = (image.width, image.height) if lying else (image.height, image.width)
        return Header("JPEG" if image.format == "MPO" else image.format or "", size, image.mode)


def read_image(open_file: Callable[[], BinaryIO], size: tuple[int, int], fit: str = "crop") -> np.ndarray:
    """An image turned upright, at this height and width.

    Returns:
        uint8 (height, width, c): grey, grey and alpha, RGB or RGBA by c; alpha only where pixels are transparent.

    Raises:
        Unusable: with the reason.
    """
    with open_still_image(open_file) as image:
        # A JPEG can be decoded at a half, a quarter or an eighth: twice the side is enough for a good resize.
        image.draft(None, (2 * max(size), 2 * max(size)))
        upright = ImageOps.exif_transpose(image)
        small = np.asarray(_FIT_METHODS[fit](to_8_bit(upright), size))
        return small[:, :, None] if small.ndim == 2 else small


@contextmanager
def open_still_image(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """The image with only its header read; whatever goes wrong before it is closed raises Unusable, with the reason.
    One that moves does too."""
    with open_image(open_file) as image:
        # The further pictures of an MPO, which phones write as .jpg, are previews and depth maps.
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise UnreadableImage("animated, or of several pages")
        yield image


@contextmanager
def open_image(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """The same of one that may move."""
    with open_nonempty(open_file) as file:
        try:
            with Image.open(file, formats=IMAGE_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise UnreadableImage(
                        f"{image.width}×{image.height} is more than {MOST_PIXELS // 2**20} megapixels"
                    )
                yield image
        except UnidentifiedImageError:
            raise UnreadableImage(
                f"not a {', '.join(IMAGE_FORMATS[:-1]).lower()} or {IMAGE_FORMATS[-1].lower()} image"
            ) from None


@contextmanager
def open_nonempty(open_file: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
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


def to_8_bit(image: Image.Image) -> Image.Image:
    """As 8-bit grey or RGB, with alpha if a pixel is transparent. Raises Unusable for pixels of floats."""
    if image.mode in _DEEP_MODES:
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImage("its pixels are floating-point numbers: keep such images in an npz")
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if image.has_transparency_data:
        layer = image.convert("RGBA").convert(f"{mode}A")
        return layer if np.asarray(layer.getchannel("A")).min() < 255 else layer.convert(mode)
    return image.convert(mode)


def _cropped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    top, left, height, width = centre_crop((image.height, image.width), size)
    return _stretched(image.crop((left, top, left + width, top + height)), size)


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    height, width = fit_inside((image.height, image.width), size)
    small = np.asarray(_stretched(image, (height, width)))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).astype(float)
    whole = np.empty((*size, *small.shape[2:]), np.uint8)
    whole[:] = edge.mean(0).round().astype(np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    whole[top : top + height, left : left + width] = small
    return Image.fromarray(whole)


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize((size[1], size[0]), Image.Resampling.LANCZOS)


_FIT_METHODS: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "crop": _cropped,
    "pad": _padded,
    "stretch": _stretched,
}
