"""The Fréchet distance between two sets of features: Heusel et al. 2017 (arXiv:1706.08500), eq. 6."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Of a set of features, float64."""

    mean: Tensor
    """(d,)"""
    root: Tensor
    """R (k, d) with RᵀR the covariance (ddof 1), k its rank or the number of samples."""

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Of features (n, d), n ≥ 2."""
        x = features.double()
        mean = x.mean(0)
        centred = (x - mean) / (len(x) - 1) ** 0.5
        return cls(mean, centred) if len(x) <= x.shape[1] else cls.from_statistics(mean, centred.T @ centred)

    @classmethod
    def from_statistics(cls, mean: Tensor, covariance: Tensor) -> "Moments":
        """Of statistics that are kept, as published ones are: mean (d,), covariance (d, d)."""
        return cls(mean.double(), _root(covariance.double()))


def frechet_distance(a: Moments, b: Moments) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½).

    With RᵀR = Σ, tr (Σ₁Σ₂)^½ is the nuclear norm of M = R₁R₂ᵀ: the sum of its singular values, or, where both
    covariances have full rank and nothing is lost by squaring, of the roots of the eigenvalues of MMᵀ, which is faster.
    Fewer samples than dimensions, and features that never fire, are taken as they are, without an ε.
    """
    M = a.root @ b.root.T
    full = min(M.shape) == len(a.mean)
    between = torch.linalg.eigvalsh(M @ M.T).clamp(min=0).sqrt() if full else torch.linalg.svdvals(M)
    spread = a.root.square().sum() + b.root.square().sum() - 2 * between.sum()
    return float((a.mean - b.mean).square().sum() + spread)


def frechet(a: Tensor, b: Tensor) -> float:
    """The distance between two sets of features, (n, d) and (m, d)."""
    return frechet_distance(Moments.of(a), Moments.of(b))


def _root(covariance: Tensor) -> Tensor:
    """By Cholesky; of a singular one by its eigenvectors, without those of eigenvalue 0."""
    factor, failed = torch.linalg.cholesky_ex(covariance, upper=True)
    smallest, largest = factor.diagonal().aminmax()
    if not failed and smallest > _TINY * largest:
        return factor
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(torch.float64).eps * values[-1]
    return values[kept].sqrt()[:, None] * vectors.T[kept]


_TINY = 1e-6
"""Of pivots: a covariance with a smaller one, relative to the largest, is taken for singular."""
