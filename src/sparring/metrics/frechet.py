"""The Fréchet distance between two sets of features: Heusel et al. 2017 (arXiv:1706.08500), eq. 6."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Mean (d,), covariance (d, d) with ddof 1, and the centred features (n, d) / √(n−1); all float64."""

    mean: Tensor
    centred: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Of features (n, d), n ≥ 2."""
        x = features.double()
        mean = x.mean(0)
        return cls(mean, (x - mean) / (len(x) - 1) ** 0.5)

    @property
    def covariance(self) -> Tensor:
        return self.centred.T @ self.centred


def distance(a: Moments, b: Moments) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½).

    With X the centred features, Σ = XᵀX, and tr (Σ₁Σ₂)^½ is the nuclear norm of any R₁R₂ᵀ with RᵀR = Σ: of
    X₁X₂ᵀ when there are fewer samples than dimensions, and of the two symmetric roots otherwise. Both take a singular
    covariance as it is, without an ε.
    """
    root_a, root_b = _root(a), _root(b)
    between = torch.linalg.svdvals(root_a @ root_b.T).sum()
    spread = root_a.square().sum() + root_b.square().sum() - 2 * between
    return float((a.mean - b.mean).square().sum() + spread)


def frechet(a: Tensor, b: Tensor) -> float:
    """The distance between two sets of features, (n, d) and (m, d)."""
    return distance(Moments.of(a), Moments.of(b))


def _root(m: Moments) -> Tensor:
    """R (k, d) with RᵀR = Σ and k = min(n, d)."""
    n, d = m.centred.shape
    if n <= d:
        return m.centred
    values, vectors = torch.linalg.eigh(m.covariance)
    return values.clamp(min=0).sqrt()[:, None] * vectors.T
