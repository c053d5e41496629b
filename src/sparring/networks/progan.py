"""Networks that grow: Karras et al. 2018 (arXiv:1710.10196), sections 2 to 4 and table 2.

They are built whole, and told how far they have grown: at stage s, from 0, images are made and judged at the s-th size
from the smallest; between two stages the layers of the larger fade in. Images are always of the full size: what is
smaller is made larger by repeating pixels, and made small again by averaging them.

The paper's smallest map is 4×4; here it is 4 to 7 pixels, so that 28 pixels are a map of 7 doubled twice.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from sparring.networks.layers.equalised import RECTIFIED, SLOPE, EqualisedConv, EqualisedLinear, PixelNorm, StddevPlane
from sparring.networks.layers.recompute import Steps
from sparring.networks.layers.resample import halved_sizes
from sparring.networks.layers.sizes import channel_widths


def upscale(x: Tensor, times: int = 1) -> Tensor:
    """(n, c, h, w) → (n, c, 2h, 2w), as often as asked."""
    return interpolate(x, scale_factor=2**times) if times else x


def downscale(x: Tensor, times: int = 1) -> Tensor:
    """(n, c, 2h, 2w) → (n, c, h, w), as often as asked."""
    return avg_pool2d(x, 2**times) if times else x


def blend_resolutions(x: Tensor, stage: float, last: int) -> Tensor:
    """Real images (n, c, h, w) as grown networks see them: without what is smaller than a stage's pixels; between two
    stages, some of it (section 2)."""
    level, alpha = int(stage), stage % 1

    def at(level: int) -> Tensor:
        return upscale(downscale(x, last - level), last - level)

    return torch.lerp(at(level), at(level + 1), alpha) if alpha else at(level)


class Grown(nn.Module):
    """Knows its stage, which is kept beside the weights.

    Args:
        stages: how many there are.
    """

    stage: Tensor

    def __init__(self, stages: int):
        super().__init__()
        self.last = stages - 1
        self.register_buffer("stage", torch.zeros(()))

    def grow(self, stage: float) -> None:
        """To this stage, from 0 to the last."""
        self.stage.fill_(min(max(stage, 0.0), float(self.last)))

    def grown(self) -> tuple[int, float]:
        """The stage that is whole, and how far the next one has faded in."""
        stage = float(self.stage)
        return int(stage), stage % 1


def _rectified(i: int, o: int, kernel: int = 3) -> list[nn.Module]:
    return [EqualisedConv(i, o, kernel, gain=RECTIFIED), nn.LeakyReLU(SLOPE)]


def _normed(i: int, o: int) -> list[nn.Module]:
    return [*_rectified(i, o), PixelNorm()]


class ProGANGenerator(Grown):
    """z (n, z) → images (n, c, h, w), without a bound.

    Args:
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most. The paper's are 16, 512 for 1024×1024.
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 16, widest: int = 512):
        maps = halved_sizes(shape)[::-1]
        super().__init__(len(maps))
        channels = channel_widths(len(maps), width, widest)[::-1]
        first = channels[0]
        dense = EqualisedLinear(z, first * math.prod(maps[0]), gain=RECTIFIED)
        start = [PixelNorm(), dense, nn.Unflatten(1, (first, *maps[0])), nn.LeakyReLU(SLOPE), PixelNorm()]
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
    """Images (n, c, h, w) → logits (n, 1). Its plane of deviations ties a batch together: see `StddevPlane`.

    Args:
        as the generator's.
    """

    def __init__(self, shape: Sequence[int], width: int = 16, widest: int = 512):
        maps = halved_sizes(shape)[::-1]
        super().__init__(len(maps))
        channels = channel_widths(len(maps), width, widest)[::-1]
        first, pixels = channels[0], math.prod(maps[0])
        dense = EqualisedLinear(first * pixels, first, gain=RECTIFIED)
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
