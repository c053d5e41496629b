"""FastGAN, for few images: Liu et al. 2021 (arXiv:2101.04775), section 3.

In the generator, small maps weigh the channels of large ones (skip-layer excitation). The critic has decoders that
reconstruct the image from two of its maps (`reconstruction`, a method of the game). Weights and sizes of maps are
DCGAN's.
"""

from itertools import cycle, pairwise

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.game import CriticOutput
from sparring.networks.layers.blocks import NORMS, LayeredCritic, Norm, dcgan_init
from sparring.networks.layers.sizes import Shape, Size, channel_widths, halving_kernel, map_sizes
from sparring.networks.resnet import Residual, halving

REACH = 4
"""Doublings between the two maps of an excitation: from 8×8 to 128×128."""


class Noise(nn.Module):
    """x (n, c, h, w) → x + w·ε, with ε (n, 1, h, w) from N(0, 1) and w learnt, initially 0.

    In evaluation ε is fixed, so that a sample depends on its latent alone.
    """

    fixed: Tensor

    def __init__(self, size: Size):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", torch.randn(1, 1, *size))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight * (torch.randn_like(x[:, :1]) if self.training else self.fixed)


class Excitation(nn.Module):
    """low (n, i, …), high (n, o, h, w) → F(low)·high, with a factor in (0, 1) per channel: section 3.1, eq. 1."""

    def __init__(self, i: int, o: int):
        super().__init__()
        squeeze = [nn.AdaptiveAvgPool2d(4), nn.Conv2d(i, o, 4, bias=False), nn.LeakyReLU(0.1)]
        self.F = nn.Sequential(*squeeze, nn.Conv2d(o, o, 1, bias=False), nn.Sigmoid())

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return self.F(low) * high


def gated_conv(i: int, o: int, *noise: nn.Module) -> list[nn.Module]:
    """A 3×3 convolution to 2o channels, noise if any, batch norm, and a gated linear unit to o channels."""
    return [nn.Conv2d(i, 2 * o, 3, padding=1, bias=False), *noise, nn.BatchNorm2d(2 * o), nn.GLU(1)]


def plain_block(i: int, o: int, size: Size) -> list[nn.Module]:
    return [nn.Upsample(size), *gated_conv(i, o)]


def noisy_block(i: int, o: int, size: Size) -> list[nn.Module]:
    return [nn.Upsample(size), *gated_conv(i, o, Noise(size)), *gated_conv(o, o, Noise(size))]


class FastGANGenerator(nn.Module):
    """z (n, z) → images (n, c, h, w) in [−1, 1]; nearest upsampling to exactly the next size.

    Noisy blocks of two convolutions alternate with plain ones. A map excites the one `REACH` doublings larger; in
    networks with fewer doublings, the smallest excites the largest.

    Args:
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. The authors' for
            256×256 go from 32 to 1024, with 128 on 64×64 and 32×32.
    """

    def __init__(self, shape: Shape, z: int = 100, width: int = 32, widest: int = 512):
        super().__init__()
        maps = map_sizes(shape)[::-1]
        widths = channel_widths(len(maps), width, widest)[::-1]
        self.reach = min(REACH, len(maps) - 1)
        dense = nn.ConvTranspose2d(z, 2 * widths[0], maps[0], bias=False)
        self.first = nn.Sequential(nn.Unflatten(1, (z, 1, 1)), dense, nn.BatchNorm2d(2 * widths[0]), nn.GLU(1))
        blocks = zip(cycle([noisy_block, plain_block]), pairwise(widths), maps[1:], strict=False)
        self.stages = nn.ModuleList(nn.Sequential(*block(i, o, size)) for block, (i, o), size in blocks)
        excitations = zip(widths, widths[self.reach :], strict=False)
        self.excite = nn.ModuleList(Excitation(i, o) for i, o in excitations)
        self.image = nn.Sequential(nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=False), nn.Tanh())
        self.apply(dcgan_init)

    def forward(self, z: Tensor) -> Tensor:
        maps = [self.first(z)]
        for level, stage in enumerate(self.stages, 1):
            x, low = stage(maps[-1]), level - self.reach
            maps.append(x if low < 0 else self.excite[low](maps[low], x))
        return self.image(maps[-1])


class DownBlock(Residual):
    """From a map of size `larger` to its half, rounded up: the mean of average pooling and a branch of convolutions."""

    def __init__(self, i: int, o: int, larger: Size, kind: Norm):
        def layer(i: int, kernel: int | Size, stride: int = 1, padding: int = 0) -> list[nn.Module]:
            conv = nn.Conv2d(i, o, kernel, stride, padding, bias=not kind.shifts)
            return [conv, kind.after(o), nn.LeakyReLU(0.2)]

        super().__init__([halving(), *layer(i, 1)], [*layer(i, halving_kernel(larger), 2, 1), *layer(o, 3, 1, 1)])

    def forward(self, x: Tensor, *w: Tensor) -> Tensor:
        return super().forward(x, *w) / 2


class MapDecoder(nn.Sequential):
    """Maps (n, i, h, w) → images (n, c, k·h, k·w) in [−1, 1], k = 2^doublings; each doubling halves the channels."""

    def __init__(self, i: int, channels: int, doublings: int):
        widths = [max(1, i >> k) for k in range(doublings + 1)]
        layers = [layer for i, o in pairwise(widths) for layer in (nn.Upsample(scale_factor=2), *gated_conv(i, o))]
        super().__init__(*layers, nn.Conv2d(widths[-1], channels, 3, padding=1, bias=False), nn.Tanh())


class FastGANCritic(LayeredCritic):
    """Images (n, c, h, w) → logits (n, patches), with the maps `small` and `large` and the image (`seen`) as extras.

    `small` is the map whose shorter side is nearest to 8, `large` the one nearest to 16. Each has a decoder to images
    of 1/k of the original sides, k ≤ 16, which is trained only with the method `reconstruction`.

    Args:
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. The authors' for
            256×256 go from 16 to 256, with 128 on 32×32 and 16×16.
        norm: a name of `NORMS`; the decoders have batch norm.
    """

    def __init__(self, shape: Shape, width: int = 32, widest: int = 256, norm: str = "batch"):
        super().__init__()
        kind, maps = NORMS[norm], map_sizes(shape)
        small, self.large = (min(range(1, len(maps)), key=lambda k: abs(min(maps[k]) - side)) for side in (8, 16))
        widths = channel_widths(small + 1, width, widest)
        d = widths[-1]
        self.stem = nn.Sequential(nn.Conv2d(shape[0], width, 3, padding=1), nn.LeakyReLU(0.2))
        ends = zip(pairwise(widths), maps, strict=False)
        self.stages = nn.ModuleList(DownBlock(i, o, larger, kind) for (i, o), larger in ends)
        self.body = nn.Sequential(nn.Conv2d(d, d, 1, bias=not kind.shifts), kind.after(d), nn.LeakyReLU(0.2))
        self.logit = nn.Conv2d(d, 1, 4, bias=False)
        levels = {"small": small, "large": self.large}
        decoders = {name: MapDecoder(widths[k], shape[0], min(k, REACH)) for name, k in levels.items()}
        self.decoders = nn.ModuleDict(decoders)
        self.apply(dcgan_init)
        for part in (self.stem, self.stages, self.body, self.logit):
            kind.normalise(part)

    def forward(self, x: Tensor) -> CriticOutput:  # pyright: ignore[reportIncompatibleMethodOverride]
        _, logits, extras = self.outputs(x)
        return CriticOutput(logits, extras)

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        features, logits, _ = self.outputs(x)
        return features, logits

    def outputs(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        features = self.body(maps[-1])
        extras = {"seen": x, "small": maps[-1], "large": maps[self.large]}
        return features.flatten(1), self.logit(features).flatten(1), extras


def decoders(D: nn.Module) -> nn.ModuleDict:
    """The decoders `small` and `large` of the FastGAN critic within D. Raises UserError if there is none."""
    for module in D.modules():
        if isinstance(module, FastGANCritic):
            return module.decoders
    raise UserError("this critic has no decoders: the method 'reconstruction' goes with fastgan-critic alone")
