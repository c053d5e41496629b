"""Options drawn from logits, as one-hots that gradients pass through."""

import torch
from torch import Tensor, nn

FITTED, FARTHEST = 20, 8.0
"""Rounds of proportional fitting, and how far it may move a logit."""


def noise_dims(network: nn.Module) -> int:
    """Numbers from N(0, 1) that it takes behind its latents, to draw its choices by."""
    return getattr(network, "chance", 0)


def gumbel(normal: Tensor) -> Tensor:
    """Noise from the standard Gumbel distribution, of noise from N(0, 1): −log(−log Φ(x)), finite in float32."""
    return -(-torch.special.ndtr(normal).clamp(1e-30, 1 - 6e-8).log()).log()


def sample_categorical(p: Tensor, normal: Tensor) -> Tensor:
    """Options drawn with probabilities p (n, k), int64 (n,): the first whose cumulative share exceeds Φ(normal), (n,).

    One of probability 0 is never drawn, whatever rounding does to their sum.
    """
    ends = p.cumsum(1)
    u = torch.special.ndtr(normal).clamp(max=1 - 2**-24)
    return torch.searchsorted(ends, (u * ends[:, -1])[:, None], right=True)[:, 0]


def fit_bias(logits: Tensor, shares: Tensor) -> Tensor:
    """b (k,), so that the mean of softmax(logits + b) over rows (n, k) is `shares` (k,): by proportional fitting.

    An option that these rows hardly ever take gets a bound, not all it lacks; one whose share is 0 the lower one.
    """
    b, wanted = torch.zeros_like(logits[0]), shares.to(logits).clamp(min=1e-12).log()
    for _ in range(FITTED):
        b = (b + wanted - (logits + b).softmax(1).mean(0).clamp(min=1e-12).log()).clamp(-FARTHEST, FARTHEST)
    return b


def one_hot_like(option: Tensor, logits: Tensor) -> Tensor:
    """One-hots of options, like their logits (n, k)."""
    return torch.zeros_like(logits).scatter_(1, option[:, None], 1.0)


def reinmax(logits: Tensor, option: Tensor, tau: float) -> Tensor:
    """The one-hots D of options drawn with π₀ = softmax(θ), with a gradient that is right to second order.

    It is that of 2π₁ − π₀/2, where π₁ = (D + softmax(θ/τ))/2 is a softmax of θ shifted by a constant: Liu et al. 2023
    (arXiv:2304.08612), algorithm 2.
    """
    D = one_hot_like(option, logits)
    middle = ((D + (logits / tau).softmax(1)) / 2).clamp(min=1e-30)
    pi1 = ((middle.log() - logits).detach() + logits).softmax(1)
    pi2 = 2 * pi1 - logits.softmax(1) / 2
    return (pi2 - pi2.detach()) + D
