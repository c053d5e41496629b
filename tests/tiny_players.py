"""What tiny games are made of: perceptrons, a few rows of data, noise."""

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import spectral_norm

X, Z, CLASSES = 8, 4, 3


def mlp(inputs: int, outputs: int, norm: bool = False, spectral: bool = False) -> nn.Sequential:
    first, last = nn.Linear(inputs, 12), nn.Linear(12, outputs)
    if spectral:
        first, last = spectral_norm(first), spectral_norm(last)
    return nn.Sequential(first, nn.BatchNorm1d(12) if norm else nn.Identity(), nn.Tanh(), last)


class Rows:
    """48 examples in float64: (x, class), or a pair of unpaired domains."""

    def __init__(self, domains: int = 1):
        g = torch.Generator().manual_seed(7)
        self.x = torch.randn(48, X, generator=g, dtype=torch.float64)
        self.y = torch.randint(CLASSES, (48,), generator=g)
        self.domains = domains

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: Tensor):
        real = self.x[i] if self.domains == 1 else (self.x[i], self.x[(7 * i + 3) % 48] * 2)
        return real, self.y[i]


def noise(*shape: int):
    return lambda n, _, g: torch.randn(n, *shape, generator=g, dtype=torch.float64)
