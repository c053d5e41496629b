"""Generator and critic of Huang et al. 2024 (arXiv:2501.05441), section 4 and appendix: residual blocks alike in both,
no norms, maps doubled and halved by a smoothing filter.

The paper's smallest map is 4×4; here it is 4 to 7 pixels, so that 28 pixels are a map of 7 doubled twice.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.errors import UserError
from sparring.networks.layers.blocks import ClassedCritic
from sparring.networks.layers.conv_ops import GroupedConv2d
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.resample import downsample, halved_sizes, upsample
from sparring.networks.layers.sizes import channel_widths


def _drawn(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """`layer` with weights from N(0, gain² / fan_in), and biases of 0."""
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _pixelwise(i: int, o: int) -> nn.Module:
    return _drawn(nn.Conv2d(i, o, 1, bias=False))


class R3GANBlock(Stage):
    """x (n, c, h, w) → x + W₃ φ(W₂ φ(W₁x + b₁) + b₂), the same shape; φ = LeakyReLU(.2).

    W₁ widens twofold, W₂ is a 3×3 convolution within groups, W₃ narrows again. W₃ starts at 0, the others so that the
    variance stays what it is through all L blocks of the network: g = √(2 / 1.04) · L^(−¼).

    Args:
        group: channels of a group of W₂.
        depth: L.
    """

    def __init__(self, channels: int, group: int, depth: int):
        super().__init__()
        wide, gain = 2 * channels, math.sqrt(2 / 1.04) * depth**-0.25
        if wide % group:
            raise UserError(f"group is {group}: it must divide {wide}, twice the channels of a map")
        self.W1 = _drawn(nn.Conv2d(channels, wide, 1), gain)
        self.W2 = _drawn(GroupedConv2d(wide, wide, 3, padding=1, groups=wide // group), gain)
        self.W3 = _drawn(nn.Conv2d(wide, channels, 1, bias=False), 0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.W3(leaky_relu(self.W2(leaky_relu(self.W1(x), 0.2)), 0.2))


class Upsample(nn.Module):
    """(n, c, h, w) → (n, c, 2h, 2w)."""

    def forward(self, x: Tensor) -> Tensor:
        return upsample(x)


class Downsample(nn.Module):
    """(n, c, 2h, 2w) → (n, c, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        return downsample(x)


def _matched(i: int, o: int) -> list[nn.Module]:
    """What makes o channels of i, if they differ."""
    return [_pixelwise(i, o)] if i != o else []


class R3GANGenerator(nn.Module):
    """z (n, z), and classes y (n,) or attributes if it takes some → images (n, c, h, w), without a bound.

    Args:
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most.
        blocks: of a stage.
        group: channels of a group within a block.
        classes: or attributes; a linear map of them stands behind z.
    """

    conditional = True

    def __init__(
        self,
        shape: Sequence[int],
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
        self.label = _drawn(nn.Linear(classes, embedding, bias=False)) if classes else None
        self.linear = _drawn(nn.Linear(z + (embedding if classes else 0), first, bias=False))
        self.basis = nn.Parameter(torch.randn(first, *maps[0]))
        layers: list[nn.Module] = [R3GANBlock(first, group, depth) for _ in range(blocks)]
        for i, o in pairwise(channels):
            layers += [*_matched(i, o), Upsample(), *(R3GANBlock(o, group, depth) for _ in range(blocks))]
        self.stages = nn.Sequential(*layers, _pixelwise(channels[-1], shape[0]))

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        if self.label is not None:
            z = torch.cat([z, *(self.label(encode_condition(given, self.classes, z)) for given in y)], 1)
        return self.stages(self.linear(z)[:, :, None, None] * self.basis)


class Product(nn.Module):
    """Features (n, d), y → ⟨Wf, Ey⟩ (n, 1); as many numbers as there are features, E of variance 1/d of W's."""

    conditional = True

    def __init__(self, d: int, classes: int):
        super().__init__()
        self.classes, self.W = classes, _drawn(nn.Linear(d, d, bias=False))
        self.E = _drawn(nn.Linear(classes, d, bias=False), 1 / math.sqrt(d))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.W(x) * self.E(encode_condition(y, self.classes, x))).sum(1, keepdim=True)


class R3GANCritic(ClassedCritic):
    """Images (n, c, h, w), and classes y (n,) or attributes if it takes some → logits (n, 1).

    With classes, the logit is the product of what it says of the image, as many numbers as the smallest map has
    channels, with a linear map of y.

    Args:
        as the generator's.
    """

    def __init__(
        self,
        shape: Sequence[int],
        width: int = 64,
        widest: int = 256,
        blocks: int = 2,
        group: int = 16,
        classes: int = 0,
    ):
        maps = halved_sizes(shape)
        channels = channel_widths(len(maps), width, widest)
        depth, last = blocks * len(maps), channels[-1]
        layers: list[nn.Module] = [_pixelwise(shape[0], width)]
        for i, o in pairwise(channels):
            layers += [*(R3GANBlock(i, group, depth) for _ in range(blocks)), Downsample(), *_matched(i, o)]
        layers += [R3GANBlock(last, group, depth) for _ in range(blocks)]
        whole = _drawn(GroupedConv2d(last, last, maps[-1], groups=last, bias=False))
        answer = Product(last, classes) if classes else _drawn(nn.Linear(last, 1, bias=False))
        super().__init__(*layers, whole, nn.Flatten(), answer)
