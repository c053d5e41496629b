"""Equalised learning rate, pixel norm and minibatch stddev: Karras et al. 2018 (arXiv:1710.10196), sections 3 and 4.

Weights start from N(0, 1) and are scaled by He's constant in the forward pass, so that adaptive optimisers train all
layers at the same speed, whatever their fan-in.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from sparring.networks.layers.conv_ops import ConvOperations, convolve

GROUP = 4
SLOPE = 0.2
RECTIFIED = math.sqrt(2)
"""Gain of layers before a leaky ReLU, to preserve variance. As √2·f(x) = f(√2·x), it is applied to the weights, which
are smaller than the activations."""


class EqualisedLinear(nn.Linear):
    """x (n, i) → (n, o): (x·Wᵀ/√i + b)·gain.

    Args:
        start: initial value of the bias.
        rate: multiplier of the learning rate: parameters are stored 1/rate times as large as they are used.
    """

    def __init__(self, i: int, o: int, start: float = 0.0, rate: float = 1.0, gain: float = 1.0):
        super().__init__(i, o)
        self.shift, self.scale = gain * rate, gain * rate / math.sqrt(i)
        nn.init.normal_(self.weight, 0, 1 / rate)
        nn.init.constant_(self.bias, start / rate)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return linear(x, self.weight * self.scale, self.bias * self.shift)


class EqualisedConv(nn.Conv2d):
    """x (n, i, h, w) → (n, o, …) with a square kernel, times `gain`; stride 1 keeps the size by default."""

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
    """Minibatch stddev, x (n, c, h, w) → (n, c + 1, h, w): Karras et al. 2018, section 3.

    The new channel is the standard deviation over a group of examples, averaged over channels and pixels. Groups have 4
    examples (i, i + n/4, …), or the whole batch if its size is not a multiple of 4.
    """

    coupled = True

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        size = n if n % GROUP else GROUP
        groups = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(0, (size, -1))
        variance = (groups - groups.mean(0)).square().mean(0)  # ten times faster than var(0) on a CPU
        spread = (variance + 1e-8).sqrt().mean((1, 2, 3))  # (n / size,)
        plane = spread.repeat(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, plane.to(x.dtype)], 1)
