"""U-Net of gated convolutions: Yu et al. 2019 (arXiv:1806.03589), section 3.1.

Without spatial norms the receptive field is bounded, so large images can be restored in tiles.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate

from sparring.networks.layers.sizes import Shape, channel_widths, pad_to_multiple


class Gated(nn.Module):
    """ELU(W_f ∗ x) ⊙ σ(W_g ∗ x)."""

    def __init__(self, i: int, o: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(i, 2 * o, 3, stride, dilation, dilation)
        nn.init.orthogonal_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        feature, gate = self.conv(x).chunk(2, 1)
        return elu(feature) * gate.sigmoid()


class GatedUNet(nn.Module):
    """Degraded images (n, inputs, h, w) in [−1, 1] → images (n, c, h, w).

    With inputs = c + 1 the last channel is a mask, 1 where pixels are known: known pixels are copied exactly. Otherwise
    the network predicts the residual to its input.

    Args:
        inputs: input channels; 0 for as many as output channels.
        width: channels at full resolution, doubled at each halving.
        levels: halvings.
        dilations: of the convolutions on the smallest map.
    """

    def __init__(
        self, shape: Shape, inputs: int = 0, width: int = 32, levels: int = 2, dilations: Sequence[int] = (1, 2, 4)
    ):
        super().__init__()
        inputs = inputs or shape[0]
        self.masked, self.adds = inputs == shape[0] + 1, inputs in (1, shape[0])
        widths = channel_widths(levels + 1, width, 1 << 20)
        self.grain = 1 << levels
        self.enter = Gated(inputs, width)
        self.down = nn.ModuleList(nn.Sequential(Gated(i, o, 2), Gated(o, o)) for i, o in pairwise(widths))
        self.middle = nn.Sequential(*(Gated(widths[-1], widths[-1], dilation=d) for d in dilations))
        self.up = nn.ModuleList(Gated(widths[k + 1] + widths[k], widths[k]) for k in reversed(range(levels)))
        self.leave = nn.Conv2d(width, shape[0], 3, 1, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # pyright: ignore[reportArgumentType]
        # Receptive field: each convolution sees its dilation in pixels to each side; strides and upsampling add less
        # than one pixel of the smaller map.
        own = sum(1 << k for k in range(levels + 1)) * 2 + sum(2 << k for k in range(levels)) + 2
        self.reach = -(-(own + self.grain * (sum(dilations) + 1)) // self.grain) * self.grain

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        h = self.enter(pad_to_multiple(x, self.grain))
        maps: list[Tensor] = []
        for down in self.down:
            maps.append(h)
            h = down(h)
        h = self.middle(h)
        for up in self.up:
            h = up(torch.cat([interpolate(h, scale_factor=2.0, mode="nearest"), maps.pop()], 1))
        output = self.leave(h)[:, :, :height, :width]
        if self.masked:
            image, known = x[:, :-1], x[:, -1:]
            return image * known + output * (1 - known)
        return x + output if self.adds else output
