"""The Inception network of published FID scores, without its classifier.

Szegedy et al. 2016 (arXiv:1512.00567), figures 4 to 7 and table 1, as trained for the weights of 2015-12-05, up to the
2,048 pooled features of Heusel et al. 2017. It differs from the paper and later versions in its pooling branches:
average pooling excludes padding, and the last block uses max pooling.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

_Size = int | tuple[int, int]


class Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, n: int, out: int, size: _Size, stride: int = 1, padding: str | int = "same"):
        super().__init__()
        self.conv = nn.Conv2d(n, out, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class Branches(nn.Module):
    """Applies branches to the same input and concatenates their channels."""

    def __init__(self, **branches: nn.Module):
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def chain(n: int, *convs: tuple[int, _Size] | nn.Module) -> nn.Sequential:
    """Sequence of modules, or of convolutions given as (channels, size), for n input channels."""
    layers = []
    for conv in convs:
        layers.append(conv if isinstance(conv, nn.Module) else Conv(n, *conv))
        n = n if isinstance(conv, nn.Module) else conv[0]
    return nn.Sequential(*layers)


def mean_pool() -> nn.Module:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def block_35(n: int, pooled: int) -> nn.Module:
    return Branches(
        branch1x1=chain(n, (64, 1)),
        branch5x5=chain(n, (48, 1), (64, 5)),
        branch3x3dbl=chain(n, (64, 1), (96, 3), (96, 3)),
        branch_pool=chain(n, mean_pool(), (pooled, 1)),
    )


def to_17(n: int) -> nn.Module:
    return Branches(
        branch3x3=nn.Sequential(Conv(n, 384, 3, 2, 0)),
        branch3x3dbl=chain(n, (64, 1), (96, 3), Conv(96, 96, 3, 2, 0)),
        branch_pool=nn.MaxPool2d(3, 2),
    )


def block_17(n: int, w: int) -> nn.Module:
    return Branches(
        branch1x1=chain(n, (192, 1)),
        branch7x7=chain(n, (w, 1), (w, (1, 7)), (192, (7, 1))),
        branch7x7dbl=chain(n, (w, 1), (w, (7, 1)), (w, (1, 7)), (w, (7, 1)), (192, (1, 7))),
        branch_pool=chain(n, mean_pool(), (192, 1)),
    )


def to_8(n: int) -> nn.Module:
    return Branches(
        branch3x3=chain(n, (192, 1), Conv(192, 320, 3, 2, 0)),
        branch7x7x3=chain(n, (192, 1), (192, (1, 7)), (192, (7, 1)), Conv(192, 192, 3, 2, 0)),
        branch_pool=nn.MaxPool2d(3, 2),
    )


def block_8(n: int, pool: nn.Module) -> nn.Module:
    return Branches(
        branch1x1=chain(n, (320, 1)),
        branch3x3=chain(n, (384, 1), _both(384)),
        branch3x3dbl=chain(n, (448, 1), (384, 3), _both(384)),
        branch_pool=chain(n, pool, (192, 1)),
    )


def _both(n: int) -> nn.Module:
    return Branches(a=Conv(n, n, (1, 3)), b=Conv(n, n, (3, 1)))


class Inception(nn.Sequential):
    """Images (n, 3, 299, 299), each value (pixel − 128) / 128, → features (n, 2048)."""

    def __init__(self):
        layers = {
            "Conv2d_1a_3x3": Conv(3, 32, 3, 2, 0),
            "Conv2d_2a_3x3": Conv(32, 32, 3, 1, 0),
            "Conv2d_2b_3x3": Conv(32, 64, 3),
            "pool_1": nn.MaxPool2d(3, 2),
            "Conv2d_3b_1x1": Conv(64, 80, 1),
            "Conv2d_4a_3x3": Conv(80, 192, 3, 1, 0),
            "pool_2": nn.MaxPool2d(3, 2),
            "Mixed_5b": block_35(192, 32),
            "Mixed_5c": block_35(256, 64),
            "Mixed_5d": block_35(288, 64),
            "Mixed_6a": to_17(288),
            "Mixed_6b": block_17(768, 128),
            "Mixed_6c": block_17(768, 160),
            "Mixed_6d": block_17(768, 160),
            "Mixed_6e": block_17(768, 192),
            "Mixed_7a": to_8(768),
            "Mixed_7b": block_8(1280, mean_pool()),
            "Mixed_7c": block_8(2048, nn.MaxPool2d(3, 1, 1)),
            "pool_3": nn.AdaptiveAvgPool2d(1),
            "flat": nn.Flatten(),
        }
        super().__init__(OrderedDict(layers))
