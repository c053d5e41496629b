"""Masks of missing pixels, as image editors and other inpainting tools write them."""

import re
from collections.abc import Sequence
from functools import partial
from os.path import splitext
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from sparring.data.files import FileItem
from sparring.data.image.file import open_still_image
from sparring.data.sources.folder import is_image

MASK = "_mask"
"""At the end of the name of a mask, before an optional number and the ending: `a_mask.png`, `a_mask001.jpg`."""
_STEM = re.compile(rf"(.+){MASK}\d*", re.DOTALL)


def masked_name(name: str) -> str | None:
    """The name, without ending, of the image that a file of this name masks; None for a file that is no mask."""
    match = _STEM.fullmatch(splitext(name)[0])
    return match and match[1]


def mask_next_to(path: Path) -> FileItem | None:
    """The first file beside an image or video that masks it."""
    siblings = sorted(sibling for sibling in path.parent.glob(f"*{MASK}*") if is_image(sibling.name))
    found = next((sibling for sibling in siblings if masked_name(sibling.name) == path.stem), None)
    return found and FileItem(found.name, partial(open, found, "rb"))


def read_mask(item: FileItem, invert: bool = False) -> Tensor:
    """Known pixels, bool (1, 1, h, w). Raises UnreadableImage.

    Missing are bright pixels, of any colour: those above half of the largest value, so that masks of 0 and 1, of 0 and
    255, and of 16 bits are read alike. In an image with transparent pixels, missing are the opaque ones if these are
    white, or of one colour and the smaller part (painted on a transparent layer), else the transparent ones (erased).

    Args:
        invert: dark pixels are missing instead.
    """
    with open_still_image(item.open) as image:
        upright = ImageOps.exif_transpose(image)
        missing = _by_alpha(upright) if upright.has_transparency_data else None
        missing = _by_brightness(upright) if missing is None else missing
    return torch.from_numpy(missing == invert)[None, None]


def _by_brightness(image: Image.Image) -> np.ndarray:
    if image.mode == "P" and image.has_transparency_data:
        image = image.convert("RGBA")  # what Pillow demands
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        image = image.convert("RGB")
    values = np.asarray(image).astype(np.float64)
    if image.mode in ("LA", "RGBA"):
        values = values[..., :-1]
    values = values.max(-1) if values.ndim == 3 else values
    return (values > values.max() / 2) & (values > 0)


def _by_alpha(image: Image.Image) -> np.ndarray | None:
    """None if all pixels are opaque, or if the opaque ones are both dark and bright: a mask with smooth edges."""
    pixels = np.asarray(image.convert("RGBA"))
    opaque = pixels[..., 3] > 127
    if opaque.all() or not opaque.any():
        return None
    colours = pixels[opaque][:, :3]
    one_colour = (colours.max(0).astype(int) - colours.min(0)).max() < 32
    painted = one_colour and (colours.min() > 223 or opaque.mean() < 0.5)
    return opaque if painted else ~opaque


def mask_remarks(shares: Sequence[tuple[str, float]]) -> list[str]:
    """One line each for masks that mark nothing, and for those that mark more than half, of (name, missing share)."""
    remarks = []
    for what, chosen in (
        ("marks no missing pixel", [(name, share) for name, share in shares if share == 0]),
        ("marks more than half of the image as missing", [(name, share) for name, share in shares if share > 0.5]),
    ):
        if chosen:
            first = ", ".join(f"{name} {share:.0%}" for name, share in chosen[:3])
            more = f" and {len(chosen) - 3:,} more" if len(chosen) > 3 else ""
            remarks.append(f"the mask {what}: {first}{more}; if dark pixels are missing, use --invert-mask")
    return remarks
