"""Before and after: pictures side by side, whatever their sizes and channels."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.data.image.pixels import to_displayable
from sparring.modalities.base import contact_sheet

_MAX_COLUMNS = 3
"""Rows of pictures side by side in a sheet."""


def side_by_side(columns: Sequence[Tensor], rows: int = 24) -> Image.Image:
    """Columns of pictures uint8 (n, c, h, w), the first of each in one row, at the size of the largest; several such
    rows beside each other."""
    size = max((x.shape[2], x.shape[3]) for x in columns)
    same = [_to_size(x[:rows], size) for x in columns]
    return contact_sheet(torch.stack(same, 1).flatten(0, 1), len(columns) * min(_MAX_COLUMNS, len(same[0])))


def _to_size(x: Tensor, size: tuple[int, int]) -> Tensor:
    """As RGB of this size, enlarged without smoothing."""
    seen = to_displayable(x).expand(-1, 3, -1, -1)
    return seen if seen.shape[2:] == size else interpolate(seen.float(), size, mode="nearest").to(torch.uint8)
