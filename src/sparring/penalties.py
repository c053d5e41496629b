"""What keeps a critic smooth: functions of a verdict, (n,) per example, unweighted.

A penalty is data: a name (the part it becomes), a function, and the random inputs it needs, which the loop draws for
the whole batch so that slicing a batch does not change them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sparring.game import Draw, Sample, Verdict


@dataclass(frozen=True)
class Penalty:
    name: str
    of: Callable[[Verdict], Tensor]
    draws: Mapping[str, Draw] = field(default_factory=dict)

    def __call__(self, verdict: Verdict) -> Tensor:
        return self.of(verdict)


def uniform(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n,) in [0, 1)."""
    return torch.rand(n, generator=generator, device=generator.device)


def squared_norm(slope: Sample) -> Tensor:
    """‖slope‖² of each example, (n,), summed over every other axis and over the tensors of a tuple."""
    parts = slope if isinstance(slope, tuple) else (slope,)
    return torch.stack([part.flatten(1).square().sum(1) for part in parts]).sum(0)


def _between(verdict: Verdict) -> Sample:
    real, fake = verdict.real, verdict.fake
    eps = verdict.draws["eps"]

    def mix(x: Tensor, y: Tensor) -> Tensor:
        return y + eps.view(-1, *[1] * (x.dim() - 1)).to(x.dtype) * (x - y)

    if isinstance(real, tuple):
        return tuple(mix(x, y) for x, y in zip(real, fake, strict=True))
    assert isinstance(fake, Tensor)
    return mix(real, fake)


def _gradient_penalty(verdict: Verdict) -> Tensor:
    # The square root has no gradient at 0, where a critic that has not moved yet may stand.
    norm = (squared_norm(verdict.slope(_between(verdict))) + 1e-12).sqrt()
    return (norm - 1).square()


r1 = Penalty("r1", lambda verdict: squared_norm(verdict.slope_real) / 2)
"""½‖∇D(x)‖², weighed by γ. Mescheder et al. 2018 (arXiv:1801.04406), eq. 9."""

r2 = Penalty("r2", lambda verdict: squared_norm(verdict.slope_fake) / 2)
"""½‖∇D(G(z))‖², weighed by γ. Mescheder et al. 2018, eq. 10."""

lipschitz = Penalty("lipschitz", _gradient_penalty, {"eps": uniform})
"""(‖∇D(x̂)‖ − 1)² at x̂ = εx + (1−ε)G(z), weighed by λ = 10. Gulrajani et al. 2017 (arXiv:1704.00028), eq. 3."""

PENALTIES = {p.name: p for p in (r1, r2, lipschitz)}
