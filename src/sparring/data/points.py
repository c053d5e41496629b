"""Two-dimensional Gaussian mixtures, ring and grid, and their scatter plot.

Srivastava et al. 2017 (arXiv:1705.07761), section 4.1; Lin et al. 2018 (arXiv:1712.04086), section 4.1.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from PIL import Image
from torch import Tensor

TRAIN, TEST = 100_000, 20_000


@dataclass(frozen=True)
class Mixture:
    """Equally weighted isotropic Gaussians of standard deviation `sigma`, centred on `modes` (k, 2)."""

    centres: tuple[tuple[float, float], ...]
    sigma: float

    @cached_property
    def modes(self) -> Tensor:
        return torch.tensor(self.centres)

    def draw(self, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """Points float32 (n, 2) and the index of each one's mode, int64 (n,)."""
        mode = torch.randint(len(self.centres), (n,), generator=g)
        return self.modes[mode] + self.sigma * torch.randn(n, 2, generator=g), mode


RING = Mixture(tuple((math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)) for k in range(8)), 0.01)
GRID = Mixture(tuple((2.0 * i, 2.0 * j) for i in range(-2, 3) for j in range(-2, 3)), 0.05)
MIXTURES = {"ring": RING, "grid": GRID}


def scatter(values: Tensor, side: int = 320) -> Image.Image:
    """Scatter plot of points (n, 2), side × side pixels, dark on white; axes span ±1.5 or ±5, whichever fits."""
    reach = 1.5 if values.abs().quantile(0.9) < 1.25 else 5.0
    column, row = ((values * torch.tensor([1.0, -1.0]) / reach + 1) / 2 * side).floor().long().unbind(1)
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    count = torch.zeros(side * side).index_add_(0, (row * side + column)[inside], torch.ones(int(inside.sum())))
    shade = 255 * (0.5 ** count.view(side, side).clamp(max=8))
    return Image.fromarray(shade.round().to(torch.uint8).numpy())
