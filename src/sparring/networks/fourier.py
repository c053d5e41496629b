"""MLP critic on Fourier features, for low-dimensional data with sharp modes.

Tancik et al. 2020 (arXiv:2006.10739): an MLP on raw coordinates learns high frequencies last.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.sizes import Shape
from sparring.networks.mlp import MLPCritic


class Fourier(nn.Module):
    """x (n, d) → [x, sin 2πBx, cos 2πBx], (n, d + 2·count): equation 5, with B ~ N(0, bandwidth²) fixed."""

    def __init__(self, dims: int, count: int, bandwidth: float):
        super().__init__()
        self.B = nn.Buffer(bandwidth * torch.randn(count, dims))

    def forward(self, x: Tensor) -> Tensor:
        turns = 2 * math.pi * x @ self.B.T
        return torch.cat([x, turns.sin(), turns.cos()], 1)


class FourierCritic(LayeredCritic):
    """Low-dimensional examples (n, *shape) of about unit variance → logits (n, 1).

    Args:
        count: number of frequencies.
        bandwidth: standard deviation of the frequencies, in periods per unit of the data.
        widths: of the MLP's layers.
    """

    def __init__(self, shape: Shape, count: int = 32, bandwidth: float = 1.0, widths: Sequence[int] = (128, 128, 128)):
        dims = math.prod(shape)
        super().__init__(
            nn.Flatten(), Fourier(dims, count, bandwidth), MLPCritic((dims + 2 * count,), widths, dropout=0.0)
        )

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        flat, fourier, perceptron = self
        assert isinstance(perceptron, MLPCritic)
        return perceptron.features_and_logits(fourier(flat(x)))
