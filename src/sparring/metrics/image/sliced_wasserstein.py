"""Sliced Wasserstein distance of image patches: Karras et al. 2018 (arXiv:1710.10196), section 5.

The numbers of patches and directions are those of the authors' code; the paper uses 16,384 images.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

PATCH, PATCHES = 7, 128
"""Patch side, and patches drawn per image and level."""
PROJECTIONS = 512
MAX_IMAGES = 2_048
"""Images used of each set, at most."""
_COARSEST = 16
"""Side of the coarsest level."""
_DIRECTIONS_AT_ONCE = 32


def sliced_wasserstein(fake: Tensor, real: Tensor, seed: int = 0) -> list[float]:
    """Distance per level of the Laplacian pyramid, finest first, of images uint8 (n, c, h, w) and (m, c, h, w).

    Uses equally many images of both sets, at most 2,048, with sides of 7 or more. Patches are standardised per channel
    over the whole set, so that levels measure local texture, not colour.
    """
    n = min(len(fake), len(real), MAX_IMAGES)
    g = torch.Generator().manual_seed(seed)
    levels = zip(_pyramid(fake[:n]), _pyramid(real[:n]), strict=True)
    return [projected(_patches(a, g), _patches(b, g), g) for a, b in levels]


def projected(a: Tensor, b: Tensor, g: torch.Generator) -> float:
    """Sliced Wasserstein-1 distance of a (n, d) and b (n, d) over 512 random directions."""
    directions = torch.randn(PROJECTIONS, a.shape[1], generator=g)
    directions = directions / directions.norm(dim=1, keepdim=True)
    return sum(_between(a, b, part) for part in directions.split(_DIRECTIONS_AT_ONCE)) / PROJECTIONS


def _between(a: Tensor, b: Tensor, directions: Tensor) -> float:
    # NumPy sorts float32 several times faster than PyTorch, which sorts indices too.
    x, y = (np.sort((directions @ points.T).numpy(), axis=1) for points in (a, b))
    return float(np.abs(x - y).mean(axis=1, dtype=np.float64).sum())


def _pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian levels, float32; the last one is the low-pass residual."""
    x, levels = images.float(), []
    while min(x.shape[2:]) >= 2 * _COARSEST and not any(side % 2 for side in x.shape[2:]):
        half = _blurred(x)[:, :, ::2, ::2]
        levels.append(x - _doubled(half))
        x = half
    return [*levels, x]


def _doubled(half: Tensor) -> Tensor:
    """Burt & Adelson's expansion: zeros between pixels, and a filter of sum 4."""
    n, c, h, w = half.shape
    double = half.new_zeros(n, c, 2 * h, 2 * w)
    double[:, :, ::2, ::2] = half
    return 4 * _blurred(double)


def _blurred(x: Tensor) -> Tensor:
    """Binomial filter 1 4 6 4 1 with reflection padding."""
    row = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = (row[:, None] * row).expand(x.shape[1], 1, 5, 5)
    return conv2d(pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=x.shape[1])


def _patches(x: Tensor, g: torch.Generator) -> Tensor:
    """Random patches (n · PATCHES, c · 49), standardised per channel."""
    n, c, h, w = x.shape
    place = torch.randint((h - PATCH + 1) * (w - PATCH + 1), (n, PATCHES), generator=g)
    windows = x.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # a view (n, c, rows, columns, 7, 7)
    rows, columns = place // (w - PATCH + 1), place % (w - PATCH + 1)
    found = windows[torch.arange(n)[:, None], :, rows, columns].reshape(-1, c, PATCH**2)
    spread = found.std((0, 2), keepdim=True, correction=0).clamp(min=1e-6)
    return ((found - found.mean((0, 2), keepdim=True)) / spread).flatten(1)
