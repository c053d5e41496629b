"""Contact sheets of images."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.data.image.pixels import image_grid, to_displayable

_MIN_SIDE = 32
"""Pixels to which the longer side of smaller images is enlarged, by a whole factor."""
_MAX_COLUMNS = 3
"""Groups of images per row of a sheet, at most."""


def contact_sheet(values: Tensor, columns: int | None = None) -> Image.Image:
    """Images uint8 (n, c, h, w) as a grid, small ones enlarged."""
    return image_grid(values, columns, scale=max(1, _MIN_SIDE // max(values.shape[2:])))


def side_by_side(columns: Sequence[Tensor], rows: int = 24) -> Image.Image:
    """Contact sheet that puts the i-th images of all columns side by side, up to three groups a row.

    Args:
        columns: images uint8 (n, c, h, w), of any size and channels; all are enlarged to the largest size.
        rows: images shown of each column.
    """
    size = max((x.shape[2], x.shape[3]) for x in columns)
    resized = [_to_size(x[:rows], size) for x in columns]
    return contact_sheet(torch.stack(resized, 1).flatten(0, 1), len(columns) * min(_MAX_COLUMNS, len(resized[0])))


def _to_size(x: Tensor, size: tuple[int, int]) -> Tensor:
    """RGB images of this size, by nearest-neighbour interpolation."""
    rgb = to_displayable(x).expand(-1, 3, -1, -1)
    return rgb if rgb.shape[2:] == size else interpolate(rgb.float(), size, mode="nearest").to(torch.uint8)
