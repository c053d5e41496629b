"""The multi-layer perceptrons of the first GANs: Goodfellow et al. 2014 (arXiv:1406.2661), in the sizes of the
well-known MNIST tutorials."""

import math
from collections.abc import Sequence

from torch import nn

from sparring.networks.layers.blocks import OUTPUTS, LayeredCritic
from sparring.networks.layers.dropout import Dropout


class MLPGenerator(nn.Sequential):
    """z (n, z) → samples (n, *shape): linear and ReLU layers of `widths`, then an output of `layers.OUTPUTS`."""

    def __init__(
        self, shape: Sequence[int], z: int = 100, widths: Sequence[int] = (256, 512, 1024), output: str = "tanh"
    ):
        layers: list[nn.Module] = []
        for i, o in zip([z, *widths], widths, strict=False):
            layers += [nn.Linear(i, o), nn.ReLU()]
        super().__init__(
            *layers, nn.Linear(widths[-1], math.prod(shape)), OUTPUTS[output](), nn.Unflatten(1, tuple(shape))
        )


class MLPCritic(LayeredCritic):
    """Samples (n, *shape) → logits (n, 1): linear, LeakyReLU(.2) and dropout layers of `widths`."""

    def __init__(self, shape: Sequence[int], widths: Sequence[int] = (1024, 512, 256), dropout: float = 0.3):
        layers: list[nn.Module] = [nn.Flatten()]
        for i, o in zip([math.prod(shape), *widths], widths, strict=False):
            layers += [nn.Linear(i, o), nn.LeakyReLU(0.2), Dropout(dropout)]
        super().__init__(*layers, nn.Linear(widths[-1], 1))
