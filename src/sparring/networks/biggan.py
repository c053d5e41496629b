"""BigGAN and BigGAN-deep: Brock et al. 2019 (arXiv:1809.11096), section 3 and appendix B.

Residual networks with self-attention, orthogonal weights, and spectral norm in both players. The generator meets the
class and z in the gain and the bias of every batch norm; the critic is ResNet's, and projects its features on the
class, which is `projection` among the methods. The papers' images are of 128 to 512 pixels; any other image is halved
as in `dcgan`.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS, Norm
from sparring.networks.layers.conditioned import ConditionalBatchNorm, Conditioned
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.sizes import Size, channel_widths, map_sizes, nearest_size
from sparring.networks.resnet import Residual, ResNetCritic, conv, halving, normalise_weights, up

BatchNorm = Callable[[int], nn.Module]
"""For so many channels."""


def orthogonal_init(module: nn.Module) -> None:
    """Saxe et al. 2014 (arXiv:1312.6120): orthogonal weights, filters taken as rows."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.orthogonal_(module.weight)


class BigGANGenerator(nn.Module):
    """z (n, z), and y (n,) or (n, classes) if there are classes → images (n, c, h, w) in [−1, 1].

    z is cut into a part for the first layer and one for each block (skip-z); a block's batch norms are conditioned on
    its part and on an embedding of the class that all share. Raises UserError for a z that has no part for each.

    Args:
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most. The paper's are 96, 1536 for 128×128.
        attention: self-attention on the map whose side is nearest to this; 0: none. The paper's is on 64.
        embedding: numbers of the class embedding.
        classes: or attributes; 0 if there are none.
    """

    conditional = True

    def __init__(
        self,
        shape: Sequence[int],
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
        told = [w.shape[1] for w in self.conditions(torch.zeros(1, z), torch.zeros(1, embedding if classes else 0))]
        dense = nn.Linear(told[0], widths[0] * math.prod(maps[0]))
        self.first = nn.Sequential(dense, nn.Unflatten(1, (widths[0], *maps[0])))
        attentive, self.stages = nearest_size(maps[1:], attention), nn.ModuleList()
        for size, (i, o), w in zip(maps[1:], pairwise(widths), told[1:], strict=True):
            blocks = self.stage(i, o, size, partial(ConditionalBatchNorm, width=w))
            self.stages.append(Conditioned(*blocks, *([SelfAttention(o)] if size == attentive else [])))
        self.image = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(), conv(widths[-1], shape[0], 3), nn.Tanh())
        self.apply(orthogonal_init)
        for part in (self.first, self.stages, self.image):
            normalise_weights(part, NORMS["spectral"])

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        e = self.embed(encode_condition(y[0], self.classes, z)) if self.classes else z[:, :0]
        first, *rest = self.conditions(z, e)
        x = self.first(first)
        for stage, w in zip(self.stages, rest, strict=True):
            x = stage(x, w)
        return self.image(x)

    def conditions(self, z: Tensor, e: Tensor) -> list[Tensor]:
        """What the first layer is given, and each block, (n, …), of z and the embedding e of the class."""
        if z.shape[1] < self.layers:
            raise UserError(f"z is {z.shape[1]}: each of {self.layers} layers takes a part of it, so give as many")
        first, *rest = z.tensor_split(self.layers, 1)
        return [first, *(torch.cat([e, part], 1) for part in rest)]

    @staticmethod
    def stage(i: int, o: int, size: Size, norm: BatchNorm) -> list[nn.Module]:
        """From a map to the next larger one."""
        return [up(i, o, size, norm)]


class BigGANCritic(ResNetCritic):
    """Images (n, c, h, w) → logits (n, 1): ResNet's critic, with orthogonal weights. The paper's widths are 96, 1536
    for 128×128, and its attention is on 64."""

    initialise = staticmethod(orthogonal_init)


class First(nn.Module):
    """(n, c, h, w) → (n, channels, h, w), the others dropped."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x[:, : self.channels]


class Widened(nn.Module):
    """x (n, i, h, w) → (n, o, h, w): x itself, and what a convolution of single pixels makes of it behind."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.more = conv(i, o - i, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.more(x)], 1)


def deep_up(i: int, o: int, size: Size | None, norm: BatchNorm) -> Residual:
    """Of a generator, to maps of this size if there is one, with o ≤ i channels: a bottleneck of i/4."""
    b, larger = max(1, i // 4), [nn.Upsample(size)] if size else []
    branch = [
        *(norm(i), nn.ReLU(), conv(i, b, 1, bias=False)),
        *(norm(b), nn.ReLU(), *larger, conv(b, b, 3, bias=False)),
        *(norm(b), nn.ReLU(), conv(b, b, 3, bias=False)),
        *(norm(b), nn.ReLU(), conv(b, o, 1, bias=False)),
    ]
    return Residual([First(o), *larger], branch)


def deep_down(i: int, o: int, kind: Norm, halved: bool) -> Residual:
    """Of a critic, with o ≥ i channels: a bottleneck of o/4."""
    b, half = max(1, o // 4), [halving()] if halved else []
    branch = [
        *(kind.after(i), nn.ReLU(), conv(i, b, 1)),
        *(kind.after(b), nn.ReLU(), conv(b, b, 3)),
        *(kind.after(b), nn.ReLU(), conv(b, b, 3)),
        *(kind.after(b), nn.ReLU(), *half, conv(b, o, 1)),
    ]
    return Residual([*half, *([Widened(i, o)] if o > i else [])], branch)


class BigGANDeepGenerator(BigGANGenerator):
    """BigGAN's, of two bottlenecks a map, which shortcuts pass unchanged but for channels they drop. Each is given the
    class and z whole. The paper's widths are 128, 2048 for 128×128."""

    def conditions(self, z: Tensor, e: Tensor) -> list[Tensor]:
        return [torch.cat([e, z], 1)] * self.layers

    @staticmethod
    def stage(i: int, o: int, size: Size, norm: BatchNorm) -> list[nn.Module]:
        return [deep_up(i, i, None, norm), deep_up(i, o, size, norm)]


class BigGANDeepCritic(BigGANCritic):
    """BigGAN's, of two bottlenecks a map, which shortcuts pass unchanged but for channels they add; a convolution
    before. The paper's widths are 256, 2048 for 128×128."""

    @staticmethod
    def stage(i: int, o: int, kind: Norm, first: bool) -> list[nn.Module]:
        start = max(1, o // 2) if first else i
        stem: list[nn.Module] = [conv(i, start, 3)] if first else []
        return [*stem, deep_down(start, o, kind, halved=True), deep_down(o, o, kind, halved=False)]

    @staticmethod
    def end(d: int, kind: Norm) -> list[nn.Module]:
        return []
