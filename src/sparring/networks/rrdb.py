"""Super-resolution by RRDB blocks: Wang et al. 2018 (arXiv:1809.00219), section 3.1.

Unlike in the paper, the network's output is added to the bicubic enlargement. Without norms the receptive field is
bounded, so large images can be enlarged in tiles.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from sparring.errors import UserError
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.sizes import Shape

RESIDUAL_SCALE = 0.2
"""Factor of a residual before it is added."""


class DenseBlock(nn.Module):
    """Five convolutions, each on the input and all previous outputs."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.convs = nn.ModuleList(_conv(width + k * growth, growth if k < 4 else width) for k in range(5))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for conv in self.convs[:-1]:
            maps.append(leaky_relu(conv(torch.cat(maps, 1)), 0.2))
        return x + RESIDUAL_SCALE * self.convs[-1](torch.cat(maps, 1))


class RRDBBlock(Stage):
    """Three dense blocks and a shortcut."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL_SCALE * self.dense(x)


def _conv(i: int, o: int) -> nn.Conv2d:
    """A 3×3 convolution with a tenth of He's weights (section 3.1)."""
    conv = nn.Conv2d(i, o, 3, 1, 1)
    nn.init.kaiming_normal_(conv.weight)
    with torch.no_grad():
        conv.weight.mul_(0.1)
    return conv


class RRDB(nn.Module):
    """Images (n, inputs, h, w) in [−1, 1] → images (n, c, scale·h, scale·w).

    Args:
        inputs: input channels; 0 for as many as output channels.
        scale: 1, 2, 4 or 8.
        width: channels of a map.
        growth: output channels of each dense convolution.
        blocks: RRDB blocks. In the paper 23.
    """

    grain = 1

    def __init__(
        self, shape: Shape, inputs: int = 0, scale: int = 4, width: int = 64, growth: int = 32, blocks: int = 23
    ):
        super().__init__()
        if scale not in (1, 2, 4, 8):
            raise UserError(f"scale of rrdb is {scale}: use 1, 2, 4 or 8")
        self.scale, self.adds = scale, (inputs or shape[0]) in (1, shape[0])
        doublings = scale.bit_length() - 1
        self.enter = nn.Conv2d(inputs or shape[0], width, 3, 1, 1)
        self.body = nn.Sequential(*(RRDBBlock(width, growth) for _ in range(blocks)), _conv(width, width))
        self.up = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(doublings))
        last = nn.Conv2d(width, width, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, shape[0], 3, 1, 1)
        self.leave = nn.Sequential(*last)
        self.reach = 1 + 15 * blocks + 1 + doublings + 2 + 2  # the last 2: bicubic interpolation

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x)
        h = h + self.body(h)
        for conv in self.up:
            h = leaky_relu(conv(interpolate(h, scale_factor=2.0, mode="nearest")), 0.2)
        output = self.leave(h)
        size = (output.shape[2], output.shape[3])
        return output + interpolate(x, size, mode="bicubic", align_corners=False) if self.adds else output
