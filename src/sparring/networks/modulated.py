"""Convolutions whose input channels a style scales. Karras et al. 2020 (arXiv:1912.04958), section 2.2.

An example's weights w'ᵢⱼₖ = sᵢ·wᵢⱼₖ, over their norm for each output j, are never made: what scales inputs scales the
map before an ordinary convolution, what scales outputs the map after it. So there is no convolution in groups over
the batch, and a network exports for any number of examples.
"""

import math

import torch
from torch import Tensor, nn

from sparring.networks.convolution import Operations, gathered, scattered
from sparring.networks.dcgan import Sides
from sparring.networks.equalised import EqualisedLinear, ScaledLeakyReLU
from sparring.networks.resample import blurred


class ModulatedConv(nn.Module):
    """x (n, i, h, w), style w (n, dim) → (n, o, h, w); doubled, (n, o, 2h, 2w).

    Args:
        demodulated: outputs have variance 1 if inputs have, whatever the style.
        doubled: a transposed convolution of stride 2 before the filter, which is upsampling before the convolution at
            a quarter of its cost.
    """

    def __init__(self, i: int, o: int, kernel: int, dim: int, demodulated: bool = True, doubled: bool = False):
        super().__init__()
        self.style = EqualisedLinear(dim, i, start=1.0)
        self.weight = nn.Parameter(torch.randn(o, i, kernel, kernel))
        self.kernel, self.scale = kernel, 1 / math.sqrt(i * kernel**2)
        self.demodulated, self.doubled = demodulated, doubled

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s, weight, sides = self.style(w), self.weight * self.scale, (self.kernel, self.kernel)
        x = x * s[:, :, None, None]
        if self.doubled:
            size = (2 * x.shape[2] - 2 + self.kernel, 2 * x.shape[3] - 2 + self.kernel)
            x = blurred(scattered(x, weight.transpose(0, 1), Operations(sides, (2, 2), (0, 0)), size), 1, gain=4.0)
        else:
            x = gathered(x, weight, Operations(sides, (1, 1), (self.kernel // 2, self.kernel // 2)))
        if self.demodulated:
            norms = s.square() @ weight.square().sum((2, 3)).T + 1e-8  # (n, o), squared
            x = x * norms.rsqrt()[:, :, None, None]
        return x


class StyledLayer(nn.Module):
    """x (n, i, …), w (n, dim) → (n, o, *size): a modulated 3×3 convolution, noise, bias, leaky ReLU.

    The noise is one plane for all channels, of learnt strength, from 0 on. It is drawn anew in training; afterwards it
    is always the same, so that a sample depends on its latent alone.
    """

    noise: Tensor

    def __init__(self, i: int, o: int, dim: int, size: Sides, doubled: bool):
        super().__init__()
        self.conv, self.rectify = ModulatedConv(i, o, 3, dim, doubled=doubled), ScaledLeakyReLU()
        self.strength, self.bias = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(o))
        self.register_buffer("noise", torch.randn(size))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.conv(x, w)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise
        return self.rectify(x + self.strength * noise + self.bias[:, None, None])


class ToImage(nn.Module):
    """x (n, i, h, w), w (n, dim) → (n, channels, h, w): a 1×1 convolution, modulated but not demodulated."""

    def __init__(self, i: int, channels: int, dim: int):
        super().__init__()
        self.conv = ModulatedConv(i, channels, 1, dim, demodulated=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return self.conv(x, w) + self.bias[:, None, None]
