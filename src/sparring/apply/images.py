"""Image files as input and output of a model; size, transparency and colour profile are preserved."""

from dataclasses import dataclass
from functools import partial
from os.path import splitext
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from sparring.apply.masks import mask_next_to, masked_name
from sparring.data.files import FileItem
from sparring.data.image.channels import CHANNEL_COUNTS, CHANNEL_NAMES
from sparring.data.image.file import UnreadableImage, open_still_image, to_8_bit
from sparring.data.image.paired import find_domains
from sparring.data.image.pixels import with_channels
from sparring.data.load import require_path, source_of
from sparring.data.sources.folder import is_image
from sparring.errors import UserError, one_line


@dataclass(frozen=True, eq=False)
class SourceImage:
    name: str
    """Path inside its folder, without the ending."""
    pixels: Tensor
    """uint8 (1, c, h, w) with the model's channels, upright."""
    alpha: Tensor | None
    """uint8 (1, 1, h, w), if the image has transparency and the model has no channel for it."""
    profile: bytes | None
    """ICC colour profile."""
    colours: int
    """Colour channels of the file: 1 or 3."""


def image_items(spec: str, masked: bool) -> tuple[list[FileItem], dict[str, FileItem]]:
    """Images of a file, a folder or a zip; and if `masked`, the masks among them, by the name of their image without
    the ending.

    Raises UserError if there are no images.
    """
    path = require_path(spec)
    if path.is_file() and is_image(path.name):
        return [FileItem(path.name, partial(open, path, "rb"))], _beside(path) if masked else {}
    source = source_of(path)
    if source is None or not source.items:
        raise UserError(f"{one_line(spec)} has no images: use an image file, a folder or a zip")
    if domains := find_domains(source, ""):
        names = ", ".join(sorted({item.name.rpartition("/")[0] for part in domains.values() for item in part.items}))
        raise UserError(f"{one_line(spec)} holds images of two domains: give the folder of one ({one_line(names)})")
    masks = {item.name: name for item in source.items if masked and (name := masked_name(item.name))}
    images = [item for item in source.items if item.name not in masks]
    first: dict[str, FileItem] = {}
    for item in source.items:
        if item.name in masks:
            first.setdefault(masks[item.name], item)
    return images, first


def _beside(path: Path) -> dict[str, FileItem]:
    mask = mask_next_to(path)
    return {path.stem: mask} if mask else {}


def read_source_image(item: FileItem, channels: int) -> SourceImage:
    """An image file with a model's number of channels. Raises UnreadableImage, with the reason."""
    with open_still_image(item.open) as image:
        return source_image(ImageOps.exif_transpose(image), channels, splitext(item.name)[0])


def source_image(image: Image.Image, channels: int, name: str = "") -> SourceImage:
    """As `read_source_image`, from an upright image."""
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None  # a CMYK profile does not fit RGB
    pixels = _pixels(to_8_bit(image))
    alpha = pixels[:, -1:] if pixels.shape[1] in (2, 4) else None
    if alpha is not None and channels != CHANNEL_COUNTS["rgba"]:
        pixels = pixels[:, :-1]  # colours under transparent pixels stay as they are
    if channels not in CHANNEL_NAMES:
        raise UnreadableImage(f"the model takes {channels} channels, which no image file has")
    kept = None if channels == CHANNEL_COUNTS["rgba"] else alpha
    colours = 1 if pixels.shape[1] < CHANNEL_COUNTS["rgb"] else 3
    return SourceImage(name, with_channels(pixels, CHANNEL_NAMES[channels]), kept, profile, colours)


def _pixels(image: Image.Image) -> Tensor:
    array = np.asarray(image)
    return torch.from_numpy(np.array(array if array.ndim == 3 else array[..., None])).permute(2, 0, 1)[None]


def output_image(source: SourceImage, output: Tensor) -> Image.Image:
    """The output uint8 (1, c, h, w) as an image, with the transparency of its source."""
    if source.alpha is not None:
        size = output.shape[3], output.shape[2]
        alpha = Image.fromarray(source.alpha[0, 0].numpy()).resize(size, Image.Resampling.BICUBIC)
        output = torch.cat([output, torch.from_numpy(np.array(alpha))[None, None]], 1)
    array = output[0].permute(1, 2, 0).contiguous().numpy()
    if array.shape[2] > CHANNEL_COUNTS["rgba"]:
        raise UnreadableImage(f"no image file has {array.shape[2]} channels")
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
