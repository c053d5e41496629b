"""BigGAN and BigGAN-deep: Brock et al. 2019 (arXiv:1809.11096), section 3, appendix B.

Residual networks with self-attention, orthogonal initialisation, and spectral norm in both players. In the generator,
the class and z set gain and bias of every batch norm; the critic is ResNet's, with `projection` (a method of the game).
Images of other sizes than the paper's 128 to 512 pixels are halved as in `dcgan`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS, Lambda, Norm, xavier_conv
from sparring.networks.layers.conditioned import ConditionalBatchNorm, Conditioned
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.sizes import Shape, Size, channel_widths, map_sizes, nearest_size
from sparring.networks.resnet import Residual, ResNetCritic, halving, up

NormLayer = Callable[[int], nn.Module]
"""Channels → layer."""


def orthogonal_init(module: nn.Module) -> None:
    """Initialises weights as orthogonal, with filters as rows: Saxe et al. 2014 (arXiv:1312.6120)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.orthogonal_(module.weight)


class BigGANGenerator(nn.Module):
    """z (n, z), and y (n,) or (n, classes) if there are classes → images (n, c, h, w) in [−1, 1].

    z is split into a part for the first layer and one for each block (skip-z). The batch norms of a block are
    conditioned on its part and on the shared embedding of the class. Raises UserError if z is shorter than the layers.

    Args:
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. In the paper 96, 1536
            for 128×128.
        attention: self-attention on the map whose side is nearest to this; 0: none. In the paper 64.
        embedding: dimensions of the class embedding.
        classes: number of classes or attributes; 0 if there are none.
    """

    conditional = True

    def __init__(
        self,
        shape: Shape,
        z: int = 100,
        width: int = 64,
        widest: int = 256,
        attention: int = 0,
        embedding: int = 128,
        classes: int = 0,
    ):
        super().__init__()
        maps = map_sizes(shape)[::-1]
        widths = channel_widths(len(maps), width, widest)[::-1]
        self.classes, self.layers = classes, len(maps)
        self.embed = nn.Linear(classes, embedding, bias=False) if classes else nn.Identity()
        dims = [w.shape[1] for w in self.conditions(torch.zeros(1, z), torch.zeros(1, embedding if classes else 0))]
        dense = nn.Linear(dims[0], widths[0] * math.prod(maps[0]))
        self.first = nn.Sequential(dense, nn.Unflatten(1, (widths[0], *maps[0])))
        attentive, self.stages = nearest_size(maps[1:], attention), nn.ModuleList()
        for size, (i, o), dim in zip(maps[1:], pairwise(widths), dims[1:], strict=True):
            blocks = self.stage(i, o, size, partial(ConditionalBatchNorm, width=dim))
            self.stages.append(Conditioned(*blocks, *([SelfAttention(o)] if size == attentive else [])))
        last = xavier_conv(widths[-1], shape[0], 3)
        self.image = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(), last, nn.Tanh())
        self.apply(orthogonal_init)
        for part in (self.first, self.stages, self.image):
            NORMS["spectral"].normalise(part)

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        e = self.embed(encode_condition(y[0], self.classes, z)) if self.classes else z[:, :0]
        first, *rest = self.conditions(z, e)
        x = self.first(first)
        for stage, w in zip(self.stages, rest, strict=True):
            x = stage(x, w)
        return self.image(x)

    def conditions(self, z: Tensor, e: Tensor) -> list[Tensor]:
        """Inputs of the first layer and of each block, (n, …), from z and the class embedding e."""
        if z.shape[1] < self.layers:
            n = self.layers
            raise UserError(f"z is {z.shape[1]}: each of {n} layers takes a part of it; use {n} or more")
        first, *rest = z.tensor_split(self.layers, 1)
        return [first, *(torch.cat([e, part], 1) for part in rest)]

    @staticmethod
    def stage(i: int, o: int, size: Size, norm: NormLayer) -> list[nn.Module]:
        """The blocks to a map of `size`."""
        return [up(i, o, size, norm)]


class BigGANCritic(ResNetCritic):
    """Images (n, c, h, w) → logits (n, 1): ResNet's critic with orthogonal initialisation. In the paper widths 96, 1536
    for 128×128, attention 64."""

    initialise = staticmethod(orthogonal_init)


class Widened(nn.Module):
    """x (n, i, h, w) → (n, o, h, w): x, followed by o − i channels of a 1×1 convolution of it."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.more = xavier_conv(i, o - i, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.more(x)], 1)


def _bottleneck(
    i: int, b: int, o: int, norm: NormLayer, bias: bool, before: Mapping[int, Sequence[nn.Module]]
) -> list[nn.Module]:
    """Norm, ReLU and convolution four times, with kernels 1, 3, 3, 1; `before[k]` precedes the k-th convolution."""
    layers = []
    for k, (channels, kernel, more) in enumerate(zip((i, b, b, b), (1, 3, 3, 1), (b, b, b, o), strict=True)):
        layers += [norm(channels), nn.ReLU(), *before.get(k, []), xavier_conv(channels, more, kernel, bias=bias)]
    return layers


def deep_up(i: int, o: int, size: Size | None, norm: NormLayer) -> Residual:
    """A generator's block to maps of `size`, or of the same size, with o ≤ i channels and a bottleneck of i/4."""
    larger = [nn.Upsample(size)] if size else []
    branch = _bottleneck(i, max(1, i // 4), o, norm, False, {1: larger})
    return Residual([Lambda(lambda x: x[:, :o]), *larger], branch)


def deep_down(i: int, o: int, kind: Norm, halved: bool) -> Residual:
    """A critic's block with o ≥ i channels and a bottleneck of o/4."""
    half = [halving()] if halved else []
    branch = _bottleneck(i, max(1, o // 4), o, kind.after, True, {3: half})
    return Residual([*half, *([Widened(i, o)] if o > i else [])], branch)


class BigGANDeepGenerator(BigGANGenerator):
    """Two bottleneck blocks per map, with parameter-free shortcuts that drop channels; every block is conditioned on
    the class and the whole of z. In the paper widths 128, 2048 for 128×128."""

    def conditions(self, z: Tensor, e: Tensor) -> list[Tensor]:
        return [torch.cat([e, z], 1)] * self.layers

    @staticmethod
    def stage(i: int, o: int, size: Size, norm: NormLayer) -> list[nn.Module]:
        return [deep_up(i, i, None, norm), deep_up(i, o, size, norm)]


class BigGANDeepCritic(BigGANCritic):
    """A convolution, then two bottleneck blocks per map, whose shortcuts add channels. In the paper widths 256, 2048
    for 128×128."""

    @staticmethod
    def stage(i: int, o: int, kind: Norm, first: bool) -> list[nn.Module]:
        start = max(1, o // 2) if first else i
        stem: list[nn.Module] = [xavier_conv(i, start, 3)] if first else []
        return [*stem, deep_down(start, o, kind, halved=True), deep_down(o, o, kind, halved=False)]

    @staticmethod
    def end(d: int, kind: Norm) -> list[nn.Module]:
        return []
