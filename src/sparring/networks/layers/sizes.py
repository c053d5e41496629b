"""Sizes of feature maps, from the image's down to the smallest."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import pad

from sparring.errors import UserError

SMALLEST_IMAGE = 8
"""Shorter side, in pixels, that `map_sizes` accepts."""

Shape = Sequence[int]
"""Of an example; of images (channels, height, width)."""

Size = tuple[int, int]
"""Height and width."""


def map_sizes(shape: Shape) -> list[Size]:
    """Sizes of the maps of an image (c, h, w): halved, rounding up, until the shorter side is 4 or less.

    28: 28, 14, 7, 4; 64×96: 64×96, 32×48, … 4×6. Raises UserError for images smaller than 8 pixels.
    """
    if len(shape) != 3 or min(shape[1:]) < SMALLEST_IMAGE:
        raise UserError(
            f"can't build a convolutional network for {'×'.join(map(str, shape[1:]))}: "
            f"use images with sides of {SMALLEST_IMAGE} pixels or more"
        )
    sizes = [(shape[1], shape[2])]
    while min(sizes[-1]) > 4:
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def halving_kernel(larger: Size) -> Size:
    """The kernel that maps `larger` to its half, rounded up, with stride 2 and padding 1."""
    height, width = larger
    return 4 - height % 2, 4 - width % 2


def nearest_size(sizes: Sequence[Size], side: int) -> Size | None:
    """The size whose shorter side is nearest to `side`; None if `side` is 0."""
    return min(sizes, key=lambda size: abs(min(size) - side)) if side else None


def channel_widths(n: int, width: int, widest: int) -> list[int]:
    """Channels of n maps, largest map first: `width` doubled for each halving, at most `widest`."""
    return [min(width << level, widest) for level in range(n)]


def pad_to_multiple(x: Tensor, unit: int, least: int = 1) -> Tensor:
    """(n, c, h, w) padded below and on the right by repeating the border: sides are multiples of `unit`, ≥ `least`."""
    more = [max(least, -(-side // unit) * unit) - side for side in x.shape[2:]]
    return pad(x, (0, more[1], 0, more[0]), mode="replicate")
