"""Resampling by 2 with the filter [1, 3, 3, 1]: Karras et al. 2020 (arXiv:1912.04958), after Zhang 2019
(arXiv:1904.11486).

Implemented as depthwise convolutions with zero padding, which have second derivatives in any precision.
"""

from collections.abc import Sequence

from torch import Tensor

from sparring.errors import UserError
from sparring.networks.layers.conv_ops import ConvOperations, convolve, convolve_transposed
from sparring.networks.layers.sizes import Size

SMALLEST = 4
"""The shorter side of the smallest map is 4 to 7."""


def halved_sizes(shape: Sequence[int]) -> list[Size]:
    """Sizes of the maps of an image (c, h, w), each exactly half of the one before, down to a side of 4 to 7.

    Raises UserError for a shape that can't be halved so often, with the nearest size that can.
    """
    if len(shape) != 3:
        raise UserError(f"this network generates images (channels, height, width), not ({', '.join(map(str, shape))})")
    height, width = shape[1:]
    times = max(0, (min(height, width) // SMALLEST).bit_length() - 1)
    unit = 1 << times
    if min(height, width) < SMALLEST or height % unit or width % unit:
        fitting = [max(SMALLEST, side // unit) * unit for side in (height, width)]
        size = "x".join(map(str, fitting if height != width else fitting[:1]))
        raise UserError(f"can't make {height}×{width} by exact doublings: use --size {size}")
    return [(height >> k, width >> k) for k in range(times + 1)]


def _filter(x: Tensor, gain: float, stride: int, padding: int) -> tuple[Tensor, ConvOperations]:
    """The depthwise filter (c, 1, 4, 4), of sum `gain`, and its convolution options."""
    taps = x.new_tensor([1.0, 3.0, 3.0, 1.0])
    weight = (taps[:, None] * taps * (gain / 64)).expand(x.shape[1], 1, 4, 4)
    return weight, ConvOperations((4, 4), (stride, stride), (padding, padding), groups=x.shape[1])


def upsample(x: Tensor) -> Tensor:
    """(n, c, h, w) → (n, c, 2h, 2w): zeros between pixels, then the filter with gain 4, which preserves constants."""
    return convolve_transposed(x, *_filter(x, 4.0, 2, 1), (2 * x.shape[2], 2 * x.shape[3]))


def downsample(x: Tensor) -> Tensor:
    """(n, c, 2h, 2w) → (n, c, h, w): the filter, then every second pixel."""
    return convolve(x, *_filter(x, 1.0, 2, 1))


def blur(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """(n, c, h, w) → (n, c, h + 2·padding − 3, …): the filter alone, next to a convolution that changes the size."""
    return convolve(x, *_filter(x, gain, 1, padding))
