"""Categorical sampling with gradients: Gumbel-softmax and ReinMax."""

import torch
from torch import Tensor, nn

FITTING_STEPS, MAX_BIAS = 20, 8.0
"""Iterations of proportional fitting, and the largest change of a logit."""


def noise_dims(network: nn.Module) -> int:
    """Numbers from N(0, 1) that a network takes after its latents, to sample categories."""
    return getattr(network, "noise_dims", 0)


def gumbel(normal: Tensor) -> Tensor:
    """Maps N(0, 1) to the standard Gumbel distribution: −log(−log Φ(x)), finite in float32."""
    return -(-torch.special.ndtr(normal).clamp(1e-30, 1 - 6e-8).log()).log()


def sample_categorical(p: Tensor, normal: Tensor) -> Tensor:
    """Samples categories with probabilities p (n, k) from N(0, 1) noise (n,), int64 (n,), by inverting the CDF.

    Categories of probability 0 are never sampled, whatever the rounding of the sum.
    """
    ends = p.cumsum(1)
    u = torch.special.ndtr(normal).clamp(max=1 - 2**-24)
    return torch.searchsorted(ends, (u * ends[:, -1])[:, None], right=True)[:, 0]


def fit_bias(logits: Tensor, shares: Tensor) -> Tensor:
    """The bias b (k,) for which the mean of softmax(logits + b) over rows (n, k) is `shares` (k,).

    By proportional fitting; b is bounded by ±`MAX_BIAS`.
    """
    b, target = torch.zeros_like(logits[0]), shares.to(logits).clamp(min=1e-12).log()
    for _ in range(FITTING_STEPS):
        b = (b + target - (logits + b).softmax(1).mean(0).clamp(min=1e-12).log()).clamp(-MAX_BIAS, MAX_BIAS)
    return b


def one_hot_like(option: Tensor, logits: Tensor) -> Tensor:
    """One-hot vectors of options (n,), with the shape and type of logits (n, k)."""
    return torch.zeros_like(logits).scatter_(1, option[:, None], 1.0)


def reinmax(logits: Tensor, option: Tensor, tau: float) -> Tensor:
    """ReinMax, a second-order straight-through estimator: Liu et al. 2023 (arXiv:2304.08612), algorithm 2.

    Returns the one-hots D of options sampled from π₀ = softmax(θ), with the gradient of 2π₁ − π₀/2, where
    π₁ = (D + softmax(θ/τ))/2 is written as a softmax of θ plus a constant.
    """
    D = one_hot_like(option, logits)
    middle = ((D + (logits / tau).softmax(1)) / 2).clamp(min=1e-30)
    pi1 = ((middle.log() - logits).detach() + logits).softmax(1)
    pi2 = 2 * pi1 - logits.softmax(1) / 2
    return (pi2 - pi2.detach()) + D
