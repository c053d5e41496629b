"""The suspects in one picture: a row a finding, each beside what it is like, if it is like something."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sparring.data.image.pixels import image_grid
from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_SHOWN, _SIDE, _GAP, _LINE = 16, 48, 4, 14
"""Suspects of a finding; and in pixels: an image's least side, what is between, a line of text."""


def suspects_sheet(looked: ScannedImages, found: Sequence[Issue]) -> Image.Image | None:
    """None if no image is suspected."""
    rows = [(each, _row(looked, each)) for each in found if each.which]
    if not rows:
        return None
    width = max(max(row.width for _, row in rows), 360) + 2 * _GAP
    whole = Image.new("RGB", (width, sum(row.height + _LINE + 2 * _GAP for _, row in rows)), "white")
    pen, top = ImageDraw.Draw(whole), _GAP
    for each, row in rows:
        more = f", {_SHOWN} of {len(each.which):,}" if len(each.which) > _SHOWN else ""
        beside = ", each above what it is like" if each.beside else ""
        pen.text((_GAP, top), f"{each.name}{more}{beside}", fill="black")
        whole.paste(row, (_GAP, top + _LINE))
        top += _LINE + row.height + 2 * _GAP
    return whole


def _row(looked: ScannedImages, found: Issue) -> Image.Image:
    chosen = [indices[:_SHOWN] for indices in (found.which, found.beside) if indices]
    images: list[Tensor] = [looked.take(torch.tensor(indices)) for indices in chosen]
    side = max(looked.shape[1:])
    return image_grid(torch.cat(images), columns=len(chosen[0]), scale=max(1, -(-_SIDE // side))).convert("RGB")
