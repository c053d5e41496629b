"""Contact sheet of suspects: one row per issue."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sparring.data.image.pixels import image_grid
from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_SHOWN, _SIDE, _GAP, _LINE = 16, 48, 4, 14
"""Suspects per issue; in pixels: minimum image side, gap, text line height."""


def suspects_sheet(images: ScannedImages, issues: Sequence[Issue]) -> Image.Image | None:
    """Suspects of each issue above the images they resemble; None without suspects."""
    rows = [(each, _row(images, each)) for each in issues if each.which]
    if not rows:
        return None
    width = max(max(row.width for _, row in rows), 360) + 2 * _GAP
    sheet = Image.new("RGB", (width, sum(row.height + _LINE + 2 * _GAP for _, row in rows)), "white")
    pen, top = ImageDraw.Draw(sheet), _GAP
    for each, row in rows:
        more = f", {_SHOWN} of {len(each.which):,}" if len(each.which) > _SHOWN else ""
        beside = ", each above the image it resembles" if each.beside else ""
        pen.text((_GAP, top), f"{each.name}{more}{beside}", fill="black")
        sheet.paste(row, (_GAP, top + _LINE))
        top += _LINE + row.height + 2 * _GAP
    return sheet


def _row(images: ScannedImages, issues: Issue) -> Image.Image:
    chosen = [indices[:_SHOWN] for indices in (issues.which, issues.beside) if indices]
    shown: list[Tensor] = [images.take(torch.tensor(indices)) for indices in chosen]
    side = max(images.shape[1:])
    return image_grid(torch.cat(shown), columns=len(chosen[0]), scale=max(1, -(-_SIDE // side))).convert("RGB")
