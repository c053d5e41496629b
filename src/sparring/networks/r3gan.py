"""R3GAN: Huang et al. 2024 (arXiv:2501.05441), section 4 and appendix.

Generator and critic have the same residual blocks, no norms, and maps resampled by a smoothing filter. The smallest map
is 4 to 7 pixels, not always the paper's 4×4.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.errors import UserError
from sparring.networks.layers.blocks import ClassedCritic, Lambda
from sparring.networks.layers.conv_ops import GroupedConv2d
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.resample import downsample, halved_sizes, upsample
from sparring.networks.layers.sizes import Shape, channel_widths


def _init(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """The layer with weights from N(0, gain² / fan_in) and biases 0."""
    nn.init.normal_(layer.weight, 0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _pointwise(i: int, o: int) -> nn.Module:
    return _init(nn.Conv2d(i, o, 1, bias=False))


class R3GANBlock(Stage):
    """x (n, c, h, w) → x + W₃ φ(W₂ φ(W₁x + b₁) + b₂), the same shape; φ = LeakyReLU(.2).

    W₁ (1×1) doubles the channels, W₂ is a grouped 3×3 convolution, W₃ (1×1) halves them. W₃ starts at 0, the others
    with gain √(2 / 1.04) · L^(−¼), which preserves variance through all L blocks of the network.

    Args:
        group: channels per group of W₂.
        depth: L.
    """

    def __init__(self, channels: int, group: int, depth: int):
        super().__init__()
        wide, gain = 2 * channels, math.sqrt(2 / 1.04) * depth**-0.25
        if wide % group:
            raise UserError(f"group is {group}: it must divide {wide}, twice the channels of a map")
        self.W1 = _init(nn.Conv2d(channels, wide, 1), gain)
        self.W2 = _init(GroupedConv2d(wide, wide, 3, padding=1, groups=wide // group), gain)
        self.W3 = _init(nn.Conv2d(wide, channels, 1, bias=False), 0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.W3(leaky_relu(self.W2(leaky_relu(self.W1(x), 0.2)), 0.2))


def _match(i: int, o: int) -> list[nn.Module]:
    """A 1×1 convolution if the channels differ."""
    return [_pointwise(i, o)] if i != o else []


class R3GANGenerator(nn.Module):
    """z (n, z), and y (n,) or (n, classes) if there are classes → images (n, c, h, w), unbounded.

    Args:
        width: channels of the largest map; each smaller map has twice as many, at most `widest`.
        blocks: per map.
        group: channels per group within a block.
        classes: number of classes or attributes, whose linear embedding is concatenated to z; 0 if there are none.
    """

    conditional = True

    def __init__(
        self,
        shape: Shape,
        z: int = 100,
        width: int = 64,
        widest: int = 256,
        blocks: int = 2,
        group: int = 16,
        classes: int = 0,
        embedding: int = 64,
    ):
        super().__init__()
        maps = halved_sizes(shape)[::-1]
        channels = channel_widths(len(maps), width, widest)[::-1]
        depth, first = blocks * len(maps), channels[0]
        self.classes = classes
        self.label = _init(nn.Linear(classes, embedding, bias=False)) if classes else None
        self.linear = _init(nn.Linear(z + (embedding if classes else 0), first, bias=False))
        self.basis = nn.Parameter(torch.randn(first, *maps[0]))
        layers: list[nn.Module] = [R3GANBlock(first, group, depth) for _ in range(blocks)]
        for i, o in pairwise(channels):
            layers += [*_match(i, o), Lambda(upsample), *(R3GANBlock(o, group, depth) for _ in range(blocks))]
        self.stages = nn.Sequential(*layers, _pointwise(channels[-1], shape[0]))

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        if self.label is not None:
            z = torch.cat([z, *(self.label(encode_condition(labels, self.classes, z)) for labels in y)], 1)
        return self.stages(self.linear(z)[:, :, None, None] * self.basis)


class Product(nn.Module):
    """Features f (n, d), y → ⟨Wf, Ey⟩ (n, 1), where the variance of E's weights is 1/d of W's."""

    conditional = True

    def __init__(self, d: int, classes: int):
        super().__init__()
        self.classes, self.W = classes, _init(nn.Linear(d, d, bias=False))
        self.E = _init(nn.Linear(classes, d, bias=False), 1 / math.sqrt(d))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.W(x) * self.E(encode_condition(y, self.classes, x))).sum(1, keepdim=True)


class R3GANCritic(ClassedCritic):
    """Images (n, c, h, w), and y (n,) or (n, classes) if there are classes → logits (n, 1).

    With classes, the logit is the product of the features with a linear embedding of y. Arguments as in the generator.
    """

    def __init__(
        self, shape: Shape, width: int = 64, widest: int = 256, blocks: int = 2, group: int = 16, classes: int = 0
    ):
        maps = halved_sizes(shape)
        channels = channel_widths(len(maps), width, widest)
        depth, last = blocks * len(maps), channels[-1]
        layers: list[nn.Module] = [_pointwise(shape[0], width)]
        for i, o in pairwise(channels):
            layers += [*(R3GANBlock(i, group, depth) for _ in range(blocks)), Lambda(downsample), *_match(i, o)]
        layers += [R3GANBlock(last, group, depth) for _ in range(blocks)]
        pool = _init(GroupedConv2d(last, last, maps[-1], groups=last, bias=False))
        logit = Product(last, classes) if classes else _init(nn.Linear(last, 1, bias=False))
        super().__init__(*layers, pool, nn.Flatten(), logit)
