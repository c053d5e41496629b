"""Kernel distance (KID): Bińkowski et al. 2018 (arXiv:1801.01401), section 4."""

from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK, MIN_BLOCKS = 1_000, 4
"""Maximum samples per block, and minimum number of blocks."""


@dataclass(frozen=True)
class KernelDistance:
    kid: float
    error: float
    """Standard error of `kid`."""


def mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased MMD² of features (n, d) and (m, d) with kernel (xᵀy / d + 1)³; about 0, possibly negative, if equal."""
    (n, d), m = x.shape, len(y)
    kxx, kyy, kxy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within = (kxx.sum() - kxx.trace()) / (n * (n - 1)) + (kyy.sum() - kyy.trace()) / (m * (m - 1))
    return float(within - 2 * kxy.mean())


def kernel_distance(fake: Tensor, real: Tensor, seed: int = 0) -> KernelDistance:
    """MMD² of features (n, d) and (m, d), 8 or more of each, averaged over disjoint blocks.

    Disjoint blocks make the standard error unbiased.
    """
    g = torch.Generator().manual_seed(seed)
    count = max(MIN_BLOCKS, min(len(fake), len(real)) // _BLOCK)
    parts = (x[torch.randperm(len(x), generator=g)].tensor_split(count) for x in (fake, real))
    found = torch.tensor([mmd(x, y) for x, y in zip(*parts, strict=True)], dtype=torch.float64)
    return KernelDistance(float(found.mean()), float(found.std() / count**0.5))
