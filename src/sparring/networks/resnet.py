"""Residual generator and critic: Miyato et al. 2018 (arXiv:1802.05957), appendix B.4.

The blocks are those of Gulrajani et al. 2017 (arXiv:1704.00028), the sizes of maps DCGAN's (`map_sizes`). Weights are
Xavier's, within a branch times √2, as in the code of Miyato et al.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS, Lambda, LayeredCritic, Norm, xavier_conv
from sparring.networks.layers.conditioned import Conditioned
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.sizes import Shape, Size, channel_widths, map_sizes, nearest_size

GAIN = math.sqrt(2)
"""Of the weights within a branch."""


class Residual(Stage):
    """x → shortcut(x) + branch(x, w)."""

    conditional = True

    def __init__(self, shortcut: Sequence[nn.Module], branch: Sequence[nn.Module]):
        super().__init__()
        self.shortcut, self.branch = nn.Sequential(*shortcut), Conditioned(*branch)

    def forward(self, x: Tensor, *w: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x, *w)


def halving() -> nn.Module:
    """Mean over blocks of 2×2 pixels; sides are rounded up, and blocks at the border may have fewer pixels."""
    return nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)


def up(i: int, o: int, size: Size, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> Residual:
    """A block of a generator, to maps of `size`, without biases before batch norms.

    The shortcut's 1×1 convolution commutes with upsampling, so it comes first, where it is cheaper.
    """
    larger = nn.Upsample(size)
    branch = [norm(i), nn.ReLU(), larger, xavier_conv(i, o, 3, GAIN, bias=False)]
    branch += [norm(o), nn.ReLU(), xavier_conv(o, o, 3, GAIN, bias=False)]
    return Residual([xavier_conv(i, o, 1, bias=False), larger], branch)


def down(i: int, o: int, kind: Norm, halved: bool = True, first: bool = False) -> Residual:
    """A block of a critic. The first block has no norm and ReLU before its first convolution.

    The shortcut's 1×1 convolution commutes with averaging, so it comes last, where it is cheaper.
    """
    half = [halving()] if halved else []
    start = [] if first else [kind.after(i), nn.ReLU()]
    branch = [*start, xavier_conv(i, o, 3, GAIN), kind.after(o), nn.ReLU(), xavier_conv(o, o, 3, GAIN), *half]
    return Residual([*half, *([xavier_conv(i, o, 1)] if halved or i != o else [])], branch)


class ResNetGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1]; batch norm, nearest upsampling to exactly the next size.

    Args:
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. In the paper 256, 256
            for 32×32 and 64, 1024 for 128×128.
        attention: self-attention on the map whose side is nearest to this; 0: none.
        spectral: spectral norm on every weight (Zhang et al. 2019, arXiv:1805.08318, section 4.1).
    """

    def __init__(
        self, shape: Shape, z: int = 100, width: int = 64, widest: int = 256, attention: int = 0, spectral: bool = False
    ):
        maps = map_sizes(shape)[::-1]
        widths = channel_widths(len(maps), width, widest)[::-1]
        dense = nn.Linear(z, widths[0] * math.prod(maps[0]))
        nn.init.xavier_uniform_(dense.weight)
        layers: list[nn.Module] = [dense, nn.Unflatten(1, (widths[0], *maps[0]))]
        attentive = nearest_size(maps[1:], attention)
        for size, (i, o) in zip(maps[1:], pairwise(widths), strict=True):
            layers += [up(i, o, size), *([SelfAttention(o)] if size == attentive else [])]
        last = xavier_conv(widths[-1], shape[0], 3)
        super().__init__(*layers, nn.BatchNorm2d(widths[-1]), nn.ReLU(), last, nn.Tanh())
        if spectral:
            NORMS["spectral"].normalise(self)


class ResNetCritic(LayeredCritic):
    """Images (n, c, h, w) → logits (n, 1) from features (n, d): the last map after ReLU, summed over pixels.

    A block for each halving, and one more on the smallest map. (The paper's for 32×32 stops at 8×8, with two more.)

    Args:
        width: channels of the first halved map; each smaller map has twice as many, at most `widest`. In the paper 128,
            128 for 32×32 and 64, 1024 for 128×128.
        norm: a name of `NORMS`.
        attention: self-attention on the map whose side is nearest to this; 0: none.
    """

    def __init__(self, shape: Shape, width: int = 64, widest: int = 256, norm: str = "spectral", attention: int = 0):
        kind, maps = NORMS[norm], map_sizes(shape)[1:]
        widths = [shape[0], *channel_widths(len(maps), width, widest)]
        attentive, layers = nearest_size(maps, attention), []
        for size, (i, o) in zip(maps, pairwise(widths), strict=True):
            blocks = self.stage(i, o, kind, first=not layers)
            layers += [*blocks, *([SelfAttention(o)] if size == attentive else [])]
        d = widths[-1]
        logit = nn.Linear(d, 1)
        nn.init.xavier_uniform_(logit.weight)
        sum_pool = Lambda(lambda x: x.sum((2, 3)))
        super().__init__(*layers, *self.end(d, kind), kind.after(d), nn.ReLU(), sum_pool, logit)
        self.apply(self.initialise)
        kind.normalise(self)

    @staticmethod
    def stage(i: int, o: int, kind: Norm, first: bool) -> list[nn.Module]:
        """The blocks that halve a map; `first`: the image."""
        return [down(i, o, kind, first=first)]

    @staticmethod
    def end(d: int, kind: Norm) -> list[nn.Module]:
        """The blocks on the smallest map."""
        return [down(d, d, kind, halved=False)]

    @staticmethod
    def initialise(module: nn.Module) -> None:
        """Initialises a layer; Xavier's weights stay."""
