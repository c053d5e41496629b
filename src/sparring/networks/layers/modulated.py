"""Style-modulated convolutions: Karras et al. 2020 (arXiv:1912.04958), section 2.2.

Modulation scales the input map and demodulation the output map of an ordinary convolution, which equals the paper's
per-example weights w'ᵢⱼₖ = sᵢ·wᵢⱼₖ over their norm. Without a grouped convolution over the batch, a network exports for
any batch size.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from sparring.networks.layers.conv_ops import ConvOperations, convolve, convolve_transposed
from sparring.networks.layers.equalised import RECTIFIED, SLOPE, EqualisedLinear
from sparring.networks.layers.resample import blur
from sparring.networks.layers.sizes import Size


class ModulatedConv(nn.Module):
    """x (n, i, h, w), style w (n, dim) → (n, o, h, w); doubled, (n, o, 2h, 2w).

    Args:
        demodulated: outputs have variance gain² for inputs of variance 1, whatever the style.
        doubled: upsample by a transposed convolution of stride 2 and a filter, a quarter of the cost of upsampling
            before the convolution.
        gain: of demodulated outputs.
    """

    def __init__(
        self, i: int, o: int, kernel: int, dim: int, demodulated: bool = True, doubled: bool = False, gain: float = 1.0
    ):
        super().__init__()
        self.style = EqualisedLinear(dim, i, start=1.0)
        self.weight = nn.Parameter(torch.randn(o, i, kernel, kernel))
        self.kernel, self.scale = kernel, 1 / math.sqrt(i * kernel**2)
        self.demodulated, self.doubled, self.gain = demodulated, doubled, gain

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s, weight, sides = self.style(w), self.weight * self.scale, (self.kernel, self.kernel)
        x = x * s[:, :, None, None]
        if self.doubled:
            size = (2 * x.shape[2] - 2 + self.kernel, 2 * x.shape[3] - 2 + self.kernel)
            operations = ConvOperations(sides, (2, 2), (0, 0))
            x = blur(convolve_transposed(x, weight.transpose(0, 1), operations, size), 1, gain=4.0)
        else:
            x = convolve(x, weight, ConvOperations(sides, (1, 1), (self.kernel // 2, self.kernel // 2)))
        if self.demodulated:
            norms = s.square() @ weight.square().sum((2, 3)).T + 1e-8  # (n, o), squared
            x = x * (self.gain * norms.rsqrt())[:, :, None, None]
        return x


class StyledLayer(nn.Module):
    """x (n, i, …), w (n, dim) → (n, o, *size): a modulated 3×3 convolution, noise, bias, leaky ReLU.

    The noise is one plane for all channels, of learnt strength, initially 0. In evaluation it is fixed, so that a
    sample depends on its latent alone.
    """

    noise: Tensor

    def __init__(self, i: int, o: int, dim: int, size: Size, doubled: bool):
        super().__init__()
        self.conv = ModulatedConv(i, o, 3, dim, doubled=doubled, gain=RECTIFIED)
        self.strength, self.bias = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(o))
        self.register_buffer("noise", torch.randn(size))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.conv(x, w)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise.to(x.dtype).expand(x.shape[0], 1, -1, -1)
        shifts = torch.stack([self.strength.expand_as(self.bias), self.bias])
        return leaky_relu(add_plane(x, noise, RECTIFIED * shifts), SLOPE)


def add_plane(x: Tensor, plane: Tensor, shifts: Tensor) -> Tensor:
    """x (n, c, h, w) + shifts (2, c) · (plane (n, 1, h, w), 1).

    One matrix product: broadcast sums take a CPU seven times as long in half precision.
    """
    n, c, h, w = x.shape
    rows = pad(plane.permute(0, 2, 3, 1), (0, 1), value=1.0).reshape(-1, 2)
    total = torch.addmm(x.permute(0, 2, 3, 1).reshape(-1, c), rows, shifts)
    return total.view(n, h, w, c).permute(0, 3, 1, 2)


class ToImage(nn.Module):
    """x (n, i, h, w), w (n, dim) → (n, channels, h, w): a 1×1 convolution, modulated but not demodulated."""

    def __init__(self, i: int, channels: int, dim: int):
        super().__init__()
        self.conv = ModulatedConv(i, channels, 1, dim, demodulated=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return self.conv(x, w) + self.bias[:, None, None]
