"""Multi-layer perceptrons of the first GANs: Goodfellow et al. 2014 (arXiv:1406.2661)."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from sparring.networks.layers.blocks import OUTPUTS, LayeredCritic, dense_layers
from sparring.networks.layers.sizes import Shape


class MLPGenerator(nn.Sequential):
    """z (n, z) → samples (n, *shape): linear and ReLU layers of `widths`, then the activation `output` of `OUTPUTS`."""

    def __init__(self, shape: Shape, z: int = 100, widths: Sequence[int] = (256, 512, 1024), output: str = "tanh"):
        hidden = [layer for i, o in pairwise([z, *widths]) for layer in (nn.Linear(i, o), nn.ReLU())]
        last = nn.Linear(widths[-1], math.prod(shape))
        super().__init__(*hidden, last, OUTPUTS[output](), nn.Unflatten(1, tuple(shape)))


class MLPCritic(LayeredCritic):
    """Samples (n, *shape) → logits (n, 1): linear, LeakyReLU(0.2) and dropout layers of `widths`."""

    def __init__(self, shape: Shape, widths: Sequence[int] = (1024, 512, 256), dropout: float = 0.3):
        layers = dense_layers([math.prod(shape), *widths], dropout)
        super().__init__(nn.Flatten(), *layers, nn.Linear(widths[-1], 1))
