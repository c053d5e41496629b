"""The Fréchet distance between two sets of features: Heusel et al. 2017 (arXiv:1706.08500), eq. 6."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Mean and covariance root of features, float64."""

    mean: Tensor
    """(d,)"""
    root: Tensor
    """R (k, d) with RᵀR the covariance (ddof 1), k its rank or the number of samples."""

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Moments of features (n, d), n ≥ 2."""
        x = features.double()
        mean = x.mean(0)
        centred = (x - mean) / (len(x) - 1) ** 0.5
        return cls(mean, centred) if len(x) <= x.shape[1] else cls.from_statistics(mean, centred.T @ centred)

    @classmethod
    def from_statistics(cls, mean: Tensor, covariance: Tensor) -> "Moments":
        """Moments of stored statistics: mean (d,), covariance (d, d)."""
        return cls(mean.double(), _root(covariance.double()))


def frechet_distance(a: Moments, b: Moments) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½).

    With RᵀR = Σ, tr (Σ₁Σ₂)^½ is the nuclear norm of M = R₁R₂ᵀ: the sum of its singular values, or, for full-rank
    covariances, of the square roots of the eigenvalues of MMᵀ, which is faster. Singular covariances need no ε.
    """
    M = a.root @ b.root.T
    full = min(M.shape) == len(a.mean)
    between = torch.linalg.eigvalsh(M @ M.T).clamp(min=0).sqrt() if full else torch.linalg.svdvals(M)
    spread = a.root.square().sum() + b.root.square().sum() - 2 * between.sum()
    return float((a.mean - b.mean).square().sum() + spread)


def frechet(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of features (n, d) and (m, d)."""
    return frechet_distance(Moments.of(a), Moments.of(b))


def _root(covariance: Tensor) -> Tensor:
    """R (k, d) with RᵀR the covariance: by Cholesky, or by eigenvectors if singular."""
    factor, failed = torch.linalg.cholesky_ex(covariance, upper=True)
    smallest, largest = factor.diagonal().aminmax()
    if not failed and smallest > _TINY * largest:
        return factor
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(torch.float64).eps * values[-1]
    return values[kept].sqrt()[:, None] * vectors.T[kept]


_TINY = 1e-6
"""Smallest relative Cholesky pivot of a covariance that is not singular."""
