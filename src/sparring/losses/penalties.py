"""Gradient penalties and other regularisers of a critic, (n,) per example, unweighted."""

import torch
from torch import Tensor

from sparring.game import FunctionTerm, Sample, Verdict, per_example
from sparring.priors import uniform


def uniform_noise(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n, *shape) in [0, 1)."""
    return torch.rand(n, *shape, generator=generator, device=generator.device)


def squared_norm(slope: Sample) -> Tensor:
    """‖slope‖² of each example, (n,): summed over all other axes, and over the tensors of a tuple."""
    parts = slope if isinstance(slope, tuple) else (slope,)
    return torch.stack([part.flatten(1).square().sum(1) for part in parts]).sum(0)


def _interpolated(verdict: Verdict) -> Sample:
    real, fake = verdict.real, verdict.fake
    eps = verdict.draws["eps"]

    def mix(x: Tensor, y: Tensor) -> Tensor:
        return y + eps.view(-1, *[1] * (x.dim() - 1)).to(x.dtype) * (x - y)

    if isinstance(real, tuple):
        return tuple(mix(x, y) for x, y in zip(real, fake, strict=True))
    assert isinstance(fake, Tensor)
    return mix(real, fake)


def _perturbed(verdict: Verdict) -> Sample:
    x = verdict.real
    assert isinstance(x, Tensor)
    spread = x.flatten(1).std(1).view(-1, *[1] * (x.dim() - 1))
    return x + spread / 2 * verdict.draws["delta"].to(x.dtype)


def _norm_penalty(slope: Sample) -> Tensor:
    # 1e-12: the square root has no gradient at 0, the slope of a critic with zero-initialised weights.
    return ((squared_norm(slope) + 1e-12).sqrt() - 1).square()


r1 = FunctionTerm("r1", lambda verdict: squared_norm(verdict.slope_real) / 2)
"""½‖∇D(x)‖², weighed by γ. Mescheder et al. 2018 (arXiv:1801.04406), eq. 9."""

r2 = FunctionTerm("r2", lambda verdict: squared_norm(verdict.slope_fake) / 2)
"""½‖∇D(G(z))‖², weighed by γ. Mescheder et al. 2018, eq. 10."""

lipschitz = FunctionTerm(
    "lipschitz", lambda verdict: _norm_penalty(verdict.slope(_interpolated(verdict))), {"eps": uniform()}
)
"""(‖∇D(x̂)‖ − 1)² at x̂ = εx + (1−ε)G(z), weighed by λ = 10. Gulrajani et al. 2017 (arXiv:1704.00028), eq. 3."""

dragan = FunctionTerm(
    "dragan", lambda verdict: _norm_penalty(verdict.slope(_perturbed(verdict))), {"delta": uniform_noise}
)
"""(‖∇D(x + δ)‖ − 1)² near real examples, weighed by λ = 10. Kodali et al. 2017 (arXiv:1705.07215), algorithm 1, with
the δ ~ U[0, σ/2] of the authors' code; σ is the standard deviation of the example, not of the batch, so that
micro-batches do not change it."""

drift = FunctionTerm("drift", lambda verdict: per_example(verdict.on_real.square()))
"""D(x)², weighed by .001: keeps real logits near 0. Karras et al. 2018 (arXiv:1710.10196), appendix A.1."""

PENALTIES = {p.name: p for p in (r1, r2, lipschitz, dragan, drift)}
