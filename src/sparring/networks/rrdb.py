"""Super-resolution: residual in residual dense blocks, Wang et al. 2018 (arXiv:1809.00219), section 3.1; nearest
doubling and convolutions. Unlike the paper: what the blocks make is added to the bicubic enlargement, so that little
training begins where interpolation ends. No norm, so large pictures can be enlarged tile by tile."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from sparring.errors import UserError
from sparring.networks.layers.recompute import Stage

SHARE = 0.2
"""Of a residual that is added."""


class DenseBlock(nn.Module):
    """Five convolutions, each of all maps before it."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.convs = nn.ModuleList(
            _conv(width + k * growth, growth if k < 4 else width) for k in range(5)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for conv in self.convs[:-1]:
            maps.append(leaky_relu(conv(torch.cat(maps, 1)), 0.2))
        return x + SHARE * self.convs[-1](torch.cat(maps, 1))


class RRDBBlock(Stage):
    """Three of them."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return x + SHARE * self.dense(x)


def _conv(i: int, o: int) -> nn.Conv2d:
    """He's weights, a tenth of them: section 3.1 of the paper."""
    conv = nn.Conv2d(i, o, 3, 1, 1)
    nn.init.kaiming_normal_(conv.weight)
    with torch.no_grad():
        conv.weight.mul_(0.1)
    return conv


class RRDB(nn.Module):
    """Images (n, inputs, h, w) in [−1, 1] → images (n, c, scale·h, scale·w).

    Args:
        inputs: channels it takes; 0: as many as it makes.
        scale: 1, 2, 4 or 8.
        width: channels; growth: of each dense convolution; blocks: the paper's are 23.
    """

    grain = 1

    def __init__(
        self, shape: Sequence[int], inputs: int = 0, scale: int = 4, width: int = 64, growth: int = 32, blocks: int = 23
    ):
        super().__init__()
        if scale not in (1, 2, 4, 8):
            raise UserError(f"rrdb enlarges 2, 4 or 8 times, not {scale}")
        self.scale, self.adds = scale, (inputs or shape[0]) in (1, shape[0])
        doublings = scale.bit_length() - 1
        self.enter = nn.Conv2d(inputs or shape[0], width, 3, 1, 1)
        self.body = nn.Sequential(*(RRDBBlock(width, growth) for _ in range(blocks)), _conv(width, width))
        self.up = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(doublings))
        self.leave = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, shape[0], 3, 1, 1)
        )
        self.reach = 1 + 15 * blocks + 1 + doublings + 2 + 2  # bicubic enlargement looks 2 pixels far

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x)
        h = h + self.body(h)
        for conv in self.up:
            h = leaky_relu(conv(interpolate(h, scale_factor=2.0, mode="nearest")), 0.2)
        made = self.leave(h)
        size = (made.shape[2], made.shape[3])
        return made + interpolate(x, size, mode="bicubic", align_corners=False) if self.adds else made
