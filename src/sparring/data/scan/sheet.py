"""The suspects in one picture: a row a finding, each beside what it is like, if it is like something."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sparring.data.image.pixels import grid
from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

SHOWN, SIDE, GAP, LINE = 16, 48, 4, 14
"""Suspects of a finding; and in pixels: an image's least side, what is between, a line of text."""


def suspects(looked: ScannedImages, found: Sequence[Issue]) -> Image.Image | None:
    """None if no image is suspected."""
    rows = [(each, _row(looked, each)) for each in found if each.which]
    if not rows:
        return None
    width = max(max(row.width for _, row in rows), 360) + 2 * GAP
    whole = Image.new("RGB", (width, sum(row.height + LINE + 2 * GAP for _, row in rows)), "white")
    pen, top = ImageDraw.Draw(whole), GAP
    for each, row in rows:
        more = f", {SHOWN} of {len(each.which):,}" if len(each.which) > SHOWN else ""
        beside = ", each above what it is like" if each.beside else ""
        pen.text((GAP, top), f"{each.name}{more}{beside}", fill="black")
        whole.paste(row, (GAP, top + LINE))
        top += LINE + row.height + 2 * GAP
    return whole


def _row(looked: ScannedImages, found: Issue) -> Image.Image:
    chosen = [indices[:SHOWN] for indices in (found.which, found.beside) if indices]
    images: list[Tensor] = [looked.take(torch.tensor(indices)) for indices in chosen]
    side = max(looked.shape[1:])
    return grid(torch.cat(images), columns=len(chosen[0]), scale=max(1, -(-SIDE // side))).convert("RGB")
