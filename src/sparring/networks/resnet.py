"""Residual generator and critic: Miyato et al. 2018 (arXiv:1802.05957), appendix B.4, with the blocks of Gulrajani et
al. 2017 (arXiv:1704.00028).

The papers' images are halved from 32 or 128 pixels; any other image is halved as in `dcgan`, rounding up, until its
shorter side is 4 or less. Weights are Xavier's, those within a branch times √2, as in the code of Miyato et al.
"""

import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS, LayeredCritic, Norm
from sparring.networks.layers.conditioned import Conditioned
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.sizes import Size, channel_widths, map_sizes, nearest_size


class Residual(Stage):
    """x → shortcut(x) + branch(x); what is given beside x goes to the branch."""

    conditional = True

    def __init__(self, shortcut: Sequence[nn.Module], branch: Sequence[nn.Module]):
        super().__init__()
        self.shortcut, self.branch = nn.Sequential(*shortcut), Conditioned(*branch)

    def forward(self, x: Tensor, *w: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x, *w)


class SumPool(nn.Module):
    """(n, c, h, w) → (n, c)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


def conv(i: int, o: int, kernel: int, gain: float = 1.0, bias: bool = True) -> nn.Conv2d:
    layer = nn.Conv2d(i, o, kernel, padding=kernel // 2, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain)
    return layer


def halving() -> nn.Module:
    """(n, c, h, w) → the mean of each 2×2 pixels; an odd side's last ones are fewer."""
    return nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)


def up(i: int, o: int, size: Size, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> Residual:
    """Of a generator, to maps of this size. No biases: the batch norms that follow would take them out.

    The shortcut's convolution is of single pixels, so before upsampling it does the same for less.
    """
    larger, gain = nn.Upsample(size), math.sqrt(2)
    branch = [
        norm(i),
        nn.ReLU(),
        larger,
        conv(i, o, 3, gain, bias=False),
        norm(o),
        nn.ReLU(),
        conv(o, o, 3, gain, bias=False),
    ]
    return Residual([conv(i, o, 1, bias=False), larger], branch)


def down(i: int, o: int, kind: Norm, halved: bool = True, first: bool = False) -> Residual:
    """Of a critic. The first block sees the image as it is, without norm and ReLU before it.

    The shortcut's convolution is of single pixels, so after averaging it does the same for less.
    """
    half = [halving()] if halved else []
    start = [] if first else [kind.after(i), nn.ReLU()]
    gain = math.sqrt(2)
    branch = [*start, conv(i, o, 3, gain), kind.after(o), nn.ReLU(), conv(o, o, 3, gain), *half]
    matched = [conv(i, o, 1)] if halved or i != o else []
    return Residual([*half, *matched], branch)


class ResNetGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1]; batch norm, nearest upsampling to exactly the next side.

    Args:
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most. The paper's are 256, 256 for 32×32, and 64, 1024 for 128×128.
        attention: self-attention on the map whose side is nearest to this; 0: none.
        spectral: spectral norm on every weight (Zhang et al. 2019, arXiv:1805.08318, section 4.1).
    """

    def __init__(
        self,
        shape: Sequence[int],
        z: int = 100,
        width: int = 64,
        widest: int = 256,
        attention: int = 0,
        spectral: bool = False,
    ):
        maps = map_sizes(shape)[::-1]
        widths = channel_widths(len(maps), width, widest)[::-1]
        dense = nn.Linear(z, widths[0] * math.prod(maps[0]))
        nn.init.xavier_uniform_(dense.weight)
        layers: list[nn.Module] = [dense, nn.Unflatten(1, (widths[0], *maps[0]))]
        attentive = nearest_size(maps[1:], attention)
        for size, i, o in zip(maps[1:], widths, widths[1:], strict=False):
            layers += [up(i, o, size), *([SelfAttention(o)] if size == attentive else [])]
        super().__init__(*layers, nn.BatchNorm2d(widths[-1]), nn.ReLU(), conv(widths[-1], shape[0], 3), nn.Tanh())
        if spectral:
            normalise_weights(self, NORMS["spectral"])


class ResNetCritic(LayeredCritic):
    """Images (n, c, h, w) → logits (n, 1), of features (n, d): a last map, rectified and summed over its pixels.

    A block for each halving, and one more on the smallest map. (The paper's for 32×32 stops halving at 8×8 and has two
    more there.)

    Args:
        width: channels of the first halved map; each smaller one has twice as many,
        widest: and this many at most. The paper's are 128, 128 for 32×32, and 64, 1024 for 128×128.
        norm: a name of `layers.NORMS`.
        attention: self-attention on the map whose side is nearest to this; 0: none.
    """

    def __init__(
        self, shape: Sequence[int], width: int = 64, widest: int = 256, norm: str = "spectral", attention: int = 0
    ):
        kind, maps = NORMS[norm], map_sizes(shape)[1:]
        widths = [shape[0], *channel_widths(len(maps), width, widest)]
        attentive, layers = nearest_size(maps, attention), []
        for size, i, o in zip(maps, widths, widths[1:], strict=False):
            blocks = self.stage(i, o, kind, first=not layers)
            layers += [*blocks, *([SelfAttention(o)] if size == attentive else [])]
        d = widths[-1]
        logit = nn.Linear(d, 1)
        nn.init.xavier_uniform_(logit.weight)
        super().__init__(*layers, *self.end(d, kind), kind.after(d), nn.ReLU(), SumPool(), logit)
        self.apply(self.initialise)  # before the norm takes the weights over
        normalise_weights(self, kind)

    @staticmethod
    def stage(i: int, o: int, kind: Norm, first: bool) -> list[nn.Module]:
        """From a map, or first of all the image, to the one half as large."""
        return [down(i, o, kind, first=first)]

    @staticmethod
    def end(d: int, kind: Norm) -> list[nn.Module]:
        """On the smallest map."""
        return [down(d, d, kind, halved=False)]

    @staticmethod
    def initialise(module: nn.Module) -> None:
        """Xavier's weights stay."""


def normalise_weights(net: nn.Module, kind: Norm) -> None:
    """The norm on every weight of a layer, in place."""
    for layer in list(net.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            kind.layer(layer)
