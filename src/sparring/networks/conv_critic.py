"""The convolutional critic of small MNIST tutorials: 5×5 convolutions of stride 2 with dropout.

Loosely after Radford et al. 2016 (arXiv:1511.06434), for images in [0, 1].
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from sparring.networks.layers.blocks import Lambda, LayeredCritic
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.sizes import Shape


class ConvCritic(LayeredCritic):
    """Images (n, c, h, w) in [−1, 1] → logits (n, 1): a 5×5 convolution of stride 2 for each of `widths`."""

    def __init__(self, shape: Shape, widths: Sequence[int] = (64, 128), dropout: float = 0.3):
        channels, height, width = shape
        layers: list[nn.Module] = [Lambda(lambda x: (x + 1) / 2)]
        for i, o in pairwise([channels, *widths]):
            layers += [nn.Conv2d(i, o, 5, 2, 2), nn.LeakyReLU(0.2), Dropout(dropout)]
            height, width = -(-height // 2), -(-width // 2)
        super().__init__(*layers, nn.Flatten(), nn.Linear(widths[-1] * height * width, 1))
