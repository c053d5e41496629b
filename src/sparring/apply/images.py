"""Picture files as a translator takes them, and its answers as files: the size, transparency and colour profile of what
came in are kept, and it is upright."""

from dataclasses import dataclass
from functools import partial
from os.path import splitext
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from sparring.data.image.channels import CHANNEL_COUNTS, CHANNEL_NAMES
from sparring.data.image.file import UnreadableImage, open_still_image, to_8_bit
from sparring.data.image.pixels import with_channels
from sparring.data.load import require_path, source_of
from sparring.data.sources.folder import is_image
from sparring.data.sources.item import FileItem
from sparring.errors import UserError, one_line

MASK = "_mask"
"""Behind the name of a picture, before its ending: the mask of its holes, white where pixels are lost."""


@dataclass(frozen=True, eq=False)
class Picture:
    name: str
    """Inside its folder, without the ending."""
    pixels: Tensor
    """uint8 (1, c, h, w): grey, RGB or, if there is no other place for it, RGBA."""
    alpha: Tensor | None
    """uint8 (1, 1, h, w), if some of it is transparent."""
    profile: bytes | None
    """ICC colour profile,"""
    colours: int
    """of so many channels."""


def items(spec: str, masked: bool) -> tuple[list[FileItem], dict[str, FileItem]]:
    """Pictures of a file, a folder or a zip, and the masks among them by the name of their picture, without the ending,
    if there are to be any.

    Raises UserError for what holds no pictures.
    """
    path = require_path(spec)
    if path.is_file() and is_image(path.name):
        found = [FileItem(path.name, partial(open, path, "rb"))]
        return found, _beside(path) if masked else {}
    source = source_of(path)
    if source is None or not source.items:
        raise UserError(f"{one_line(spec)} holds no pictures: give a picture, a folder or a zip")
    marked = {item.name for item in source.items if masked and splitext(item.name)[0].endswith(MASK)}
    masks = {splitext(item.name)[0].removesuffix(MASK): item for item in source.items if item.name in marked}
    return [item for item in source.items if item.name not in marked], masks


def _beside(path: Path) -> dict[str, FileItem]:
    """The mask of a single picture, if there is one."""
    mask = path.with_name(f"{path.stem}{MASK}.png")
    return {path.stem: FileItem(mask.name, partial(open, mask, "rb"))} if mask.is_file() else {}


def read(item: FileItem, channels: int) -> Picture:
    """A picture with the channels a model takes. Raises Unusable, with the reason."""
    with open_still_image(item.open) as image:
        return taken(ImageOps.exif_transpose(image), channels, splitext(item.name)[0])


def taken(image: Image.Image, channels: int, name: str) -> Picture:
    """The same of an image that is upright."""
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None  # it is of other colours then
    pixels = _pixels(to_8_bit(image))
    alpha = pixels[:, -1:] if pixels.shape[1] in (2, 4) else None
    if alpha is not None and channels != CHANNEL_COUNTS["rgba"]:
        pixels = pixels[:, :-1]  # what is under transparent pixels stays what it was
    if channels not in CHANNEL_NAMES:
        raise UnreadableImage(f"no picture file has {channels} channels, as this model takes them")
    alone = None if channels == CHANNEL_COUNTS["rgba"] else alpha
    colours = 1 if pixels.shape[1] < CHANNEL_COUNTS["rgb"] else 3
    return Picture(name, with_channels(pixels, CHANNEL_NAMES[channels]), alone, profile, colours)


def mask(item: FileItem) -> Tensor:
    """What is known, bool (1, 1, h, w): what is not white in the mask. Raises Unusable."""
    with open_still_image(item.open) as image:
        grey = _pixels(ImageOps.exif_transpose(image).convert("L"))
    return grey < 128


def _pixels(image: Image.Image) -> Tensor:
    array = np.asarray(image)
    return torch.from_numpy(np.array(array if array.ndim == 3 else array[..., None])).permute(2, 0, 1)[None]


def as_image(picture: Picture, made: Tensor) -> Image.Image:
    """The answer uint8 (1, c, h, w), with the transparency of what came in."""
    if picture.alpha is not None:
        layer = Image.fromarray(picture.alpha[0, 0].numpy()).resize(
            (made.shape[3], made.shape[2]), Image.Resampling.BICUBIC
        )
        made = torch.cat([made, torch.from_numpy(np.array(layer))[None, None]], 1)
    array = made[0].permute(1, 2, 0).contiguous().numpy()
    if array.shape[2] > CHANNEL_COUNTS["rgba"]:
        raise UnreadableImage(f"pictures of {array.shape[2]} channels fit no file")
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
