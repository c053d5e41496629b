"""Layers that progressive growing and the style networks share: Karras et al. 2018 (arXiv:1710.10196), section 4.

With an equalised learning rate, weights start from N(0, 1) and are scaled as they are used, by He's constant; so an
adaptive optimiser moves all of them at the same speed, whatever a layer's fan-in.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from sparring.networks.layers.conv_ops import ConvOperations, convolve

GROUP = 4
SLOPE = 0.2
RECTIFIED = math.sqrt(2)
"""Gain of a layer that a leaky ReLU follows, which so about keeps the mean square of N(0, 1). √2·f(x) is f(√2·x), and
weights are fewer than what they make."""


class EqualisedLinear(nn.Linear):
    """x (n, i) → (n, o): (x·Wᵀ/√i + b)·gain.

    Args:
        start: of the bias.
        rate: multiplies the layer's learning rate: its parameters are kept 1/rate times as large as they are used.
    """

    def __init__(self, i: int, o: int, start: float = 0.0, rate: float = 1.0, gain: float = 1.0):
        super().__init__(i, o)
        self.shift, self.scale = gain * rate, gain * rate / math.sqrt(i)
        nn.init.normal_(self.weight, 0, 1 / rate)
        nn.init.constant_(self.bias, start / rate)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return linear(x, self.weight * self.scale, self.bias * self.shift)


class EqualisedConv(nn.Conv2d):
    """x (n, i, h, w) → (n, o, …), by a square kernel, times the gain; padded so that a stride of 1 keeps the sides."""

    def __init__(
        self,
        i: int,
        o: int,
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        gain: float = 1.0,
    ):
        super().__init__(i, o, kernel, stride, kernel // 2 if padding is None else padding, bias=bias)
        self.gain, self.scale = gain, gain / math.sqrt(i * kernel**2)
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        operations = ConvOperations(self.kernel_size, self.stride, self.padding)  # pyright: ignore[reportArgumentType]
        bias = None if self.bias is None else self.bias * self.gain
        return convolve(x, self.weight * self.scale, operations, bias)


class PixelNorm(nn.Module):
    """x (n, c, …) over the root of the mean square of its channels. Karras et al. 2018, section 4.2."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class StddevPlane(nn.Module):
    """x (n, c, h, w) → (n, c + 1, h, w): behind the channels a plane that says how much an example's group varies.

    It is the deviation over the group, averaged over channels and pixels: Karras et al. 2018, section 3. Groups are of
    4 examples, i with i + n/4, …; where 4 does not divide the batch, all of it is one group.
    """

    coupled = True

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        size = n if n % GROUP else GROUP
        groups = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(0, (size, -1))
        variance = (groups - groups.mean(0)).square().mean(0)  # ten times as fast as var(0), on a CPU
        spread = (variance + 1e-8).sqrt().mean((1, 2, 3))  # (n / size,)
        plane = spread.repeat(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, plane.to(x.dtype)], 1)
