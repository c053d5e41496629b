"""Progressive growing: Karras et al. 2018 (arXiv:1710.10196), sections 2 to 4, table 2.

The networks are built whole. At stage s they use the s-th size from the smallest; between two stages the layers of the
larger size are faded in. Images always have the full size: smaller ones are enlarged by repeating pixels, and reduced
by averaging them. The smallest map is 4 to 7 pixels, not always the paper's 4×4.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from sparring.networks.layers.equalised import RECTIFIED, SLOPE, EqualisedConv, EqualisedLinear, PixelNorm, StddevPlane
from sparring.networks.layers.recompute import Steps
from sparring.networks.layers.resample import halved_sizes
from sparring.networks.layers.sizes import Shape, channel_widths


def upscale(x: Tensor, times: int = 1) -> Tensor:
    """Doubles the sides of x (n, c, h, w) `times` times by repeating pixels."""
    return interpolate(x, scale_factor=2**times) if times else x


def downscale(x: Tensor, times: int = 1) -> Tensor:
    """Halves the sides of x (n, c, h, w) `times` times by averaging pixels."""
    return avg_pool2d(x, 2**times) if times else x


def blend_resolutions(x: Tensor, stage: float, last: int) -> Tensor:
    """Real images (n, c, h, w) at the resolution of a stage, interpolated between two stages (section 2)."""
    level, alpha = int(stage), stage % 1

    def at(level: int) -> Tensor:
        return upscale(downscale(x, last - level), last - level)

    return torch.lerp(at(level), at(level + 1), alpha) if alpha else at(level)


class Grown(nn.Module):
    """A network with a stage, saved as a buffer, and blocks from the smallest map to the largest.

    Args:
        shape: of an image.
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. In the paper 16, 512
            for 1024×1024.
    """

    stage: Tensor

    def __init__(self, shape: Shape, width: int, widest: int):
        super().__init__()
        maps = halved_sizes(shape)
        self.last, self._smallest = len(maps) - 1, maps[-1]
        self._channels = channel_widths(len(maps), width, widest)[::-1]
        self.register_buffer("stage", torch.zeros(()))

    def grow(self, stage: float) -> None:
        """Sets the stage, from 0 to `last`."""
        self.stage.fill_(min(max(stage, 0.0), float(self.last)))

    def grown(self) -> tuple[int, float]:
        """The stage, rounded down, and the weight of the next one in [0, 1)."""
        stage = float(self.stage)
        return int(stage), stage % 1


def _rectified(i: int, o: int, kernel: int = 3) -> list[nn.Module]:
    return [EqualisedConv(i, o, kernel, gain=RECTIFIED), nn.LeakyReLU(SLOPE)]


def _normed(i: int, o: int) -> list[nn.Module]:
    return [*_rectified(i, o), PixelNorm()]


class ProGANGenerator(Grown):
    """z (n, z) → images (n, c, h, w), unbounded. Arguments as in `Grown`."""

    def __init__(self, shape: Shape, z: int = 100, width: int = 16, widest: int = 512):
        super().__init__(shape, width, widest)
        first, *_ = channels = self._channels
        dense = EqualisedLinear(z, first * math.prod(self._smallest), gain=RECTIFIED)
        start = [PixelNorm(), dense, nn.Unflatten(1, (first, *self._smallest)), nn.LeakyReLU(SLOPE), PixelNorm()]
        blocks = [Steps(*start, *_normed(first, first))]
        for i, o in pairwise(channels):
            blocks.append(Steps(nn.Upsample(scale_factor=2), *_normed(i, o), *_normed(o, o)))
        self.blocks = nn.ModuleList(blocks)
        self.images = nn.ModuleList(EqualisedConv(o, shape[0], 1) for o in channels)

    def forward(self, z: Tensor) -> Tensor:
        level, alpha = self.grown()
        x = z
        for block in list(self.blocks)[: level + 1]:
            x = block(x)
        image = self.images[level](x)
        if alpha:
            level, small = level + 1, image
            image = torch.lerp(upscale(small), self.images[level](self.blocks[level](x)), alpha)
        return upscale(image, self.last - level)


class ProGANCritic(Grown):
    """Images (n, c, h, w) → logits (n, 1), coupled by `StddevPlane`. Arguments as in `Grown`."""

    def __init__(self, shape: Shape, width: int = 16, widest: int = 512):
        super().__init__(shape, width, widest)
        first, *_ = channels = self._channels
        dense = EqualisedLinear(first * math.prod(self._smallest), first, gain=RECTIFIED)
        end = [nn.Flatten(), dense, nn.LeakyReLU(SLOPE), EqualisedLinear(first, 1)]
        blocks = [Steps(StddevPlane(), *_rectified(first + 1, first), *end)]
        for o, i in pairwise(channels):
            blocks.append(Steps(*_rectified(i, i), *_rectified(i, o), nn.AvgPool2d(2)))
        self.blocks = nn.ModuleList(blocks)
        self.images = nn.ModuleList(nn.Sequential(*_rectified(shape[0], i, 1)) for i in channels)

    def forward(self, x: Tensor) -> Tensor:
        level, alpha = self.grown()
        if alpha:
            larger = downscale(x, self.last - level - 1)
            fading = self.blocks[level + 1](self.images[level + 1](larger))
            h = torch.lerp(self.images[level](downscale(larger)), fading, alpha)
        else:
            h = self.images[level](downscale(x, self.last - level))
        for block in list(self.blocks)[level::-1]:
            h = block(h)
        return h
