"""The convolutional critic of the small tutorials that pair it with a dense generator: 5×5, stride 2, dropout.

It follows the critic of Radford et al. 2016 (arXiv:1511.06434) in outline only, and was made for brightness in [0, 1].
"""

from collections.abc import Sequence

from torch import nn

from sparring.networks.layers.blocks import Brightness, LayeredCritic
from sparring.networks.layers.dropout import Dropout


class ConvCritic(LayeredCritic):
    """Images (n, c, h, w) in [−1, 1] → logits (n, 1): a 5×5 convolution of stride 2 for each of `widths`."""

    def __init__(self, shape: Sequence[int], widths: Sequence[int] = (64, 128), dropout: float = 0.3):
        channels, height, width = shape
        layers: list[nn.Module] = [Brightness()]
        for i, o in zip([channels, *widths], widths, strict=False):
            layers += [nn.Conv2d(i, o, 5, 2, 2), nn.LeakyReLU(0.2), Dropout(dropout)]
            height, width = -(-height // 2), -(-width // 2)
        super().__init__(*layers, nn.Flatten(), nn.Linear(widths[-1] * height * width, 1))
