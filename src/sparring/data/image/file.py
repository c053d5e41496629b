"""Decodes one image file to a uint8 array."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
"""16-bit greyscale modes; Pillow's own conversion to 8 bits clips instead of scaling."""
_ORIENTATION, _TRANSPOSED = 0x0112, range(5, 9)
"""EXIF orientation tag, and its values that swap width and height."""


class UnreadableImage(Exception):
    """An unusable file; the message is the reason."""


@dataclass(frozen=True)
class Header:
    """Format, size and mode of an image file."""

    format: str
    size: tuple[int, int]
    """Height and width after EXIF rotation."""
    mode: str
    """Pillow's pixel mode."""


def read_header(open_file: Callable[[], BinaryIO]) -> Header:
    """Reads a file's header without decoding pixels. Raises UnreadableImage."""
    with open_still_image(open_file) as image:
        # Only for JPEG: reading a PNG's EXIF data would decode it.
        swapped = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION) in _TRANSPOSED
        size = (image.width, image.height) if swapped else (image.height, image.width)
        return Header("JPEG" if image.format == "MPO" else image.format or "", size, image.mode)


def read_image(
    open_file: Callable[[], BinaryIO], size: tuple[int, int], fit: str = "crop", halves: bool = False
) -> np.ndarray:
    """Decodes an image, applies its EXIF rotation and resizes it; each half by itself if there are two side by side.

    Returns:
        uint8 (height, width, c); c = 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA. Fully opaque alpha is dropped.

    Raises:
        UnreadableImage: the file is unusable.
    """
    with open_still_image(open_file) as image:
        # Decode JPEG at reduced scale: twice the target side is enough for a good resize.
        image.draft(None, (2 * max(size), 2 * max(size)))
        upright = ImageOps.exif_transpose(image)
        resize = partial(_resized_halves, fit) if halves else _FIT_METHODS[fit]
        small = np.asarray(resize(to_8_bit(upright), size))
        return small[:, :, None] if small.ndim == 2 else small


@contextmanager
def open_still_image(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """As `open_image`, but raises UnreadableImage for animations and multi-page images."""
    with open_image(open_file) as image:
        # The further frames of an MPO, which phones write as .jpg, are previews and depth maps.
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise UnreadableImage("animated or multi-page")
        yield image


@contextmanager
def open_image(open_file: Callable[[], BinaryIO]) -> Iterator[Image.Image]:
    """Opens an image, reading only its header. Any error before it is closed is raised as UnreadableImage."""
    with open_nonempty(open_file) as file:
        try:
            with Image.open(file, formats=IMAGE_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise UnreadableImage(f"{image.width}×{image.height} exceeds {MOST_PIXELS // 2**20} megapixels")
                yield image
        except UnidentifiedImageError:
            raise UnreadableImage(
                f"not a {', '.join(IMAGE_FORMATS[:-1]).lower()} or {IMAGE_FORMATS[-1].lower()} image"
            ) from None


@contextmanager
def open_nonempty(open_file: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    """Opens a file. An empty file, and any error before it is closed, raises UnreadableImage."""
    try:
        with open_file() as file:
            if not file.seek(0, 2):
                raise UnreadableImage("empty file")
            file.seek(0)
            yield file
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise almost anything on damaged files
        raise UnreadableImage(one_line(getattr(error, "strerror", None) or error) or type(error).__name__) from None


def to_8_bit(image: Image.Image) -> Image.Image:
    """8-bit grey or RGB, with alpha if any pixel is transparent. Raises UnreadableImage for floating-point pixels."""
    if image.mode in _DEEP_MODES:
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels: use an npz for such images")
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


def _resized_halves(fit: str, image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Left and right half, each fitted to half of the size's width."""
    height, width = size[0], size[1] // 2
    middle = image.width // 2
    boxes = ((0, 0, middle, image.height), (image.width - middle, 0, image.width, image.height))
    both = Image.new(image.mode, (2 * width, height))
    for i, box in enumerate(boxes):
        both.paste(_FIT_METHODS[fit](image.crop(box), (height, width)), (i * width, 0))
    return both
