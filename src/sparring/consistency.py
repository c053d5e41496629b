"""Critics that answer alike what is alike: terms of Zhang et al. 2020 (arXiv:1910.12027) and Zhao et al. 2020
(arXiv:2002.04724)."""

import torch
from torch import Tensor

from sparring.game import Sample, Term, Verdict
from sparring.games.priors import normal
from sparring.objectives import per_example

REACH = 1 / 8
"""Of a shift, in sides of the image; the papers shift CIFAR's 32 pixels by up to 4."""
SIGMA = 0.03
"""Of the noise on latents."""


def offsets(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n, 2) in [−1, 1): down, right."""
    return 2 * torch.rand(n, 2, generator=generator, device=generator.device) - 1


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, c, h, w) moved by whole pixels, `by` (n, 2) in sides of the image; edges are repeated."""
    for axis in (2, 3):
        side = x.shape[axis]
        pixels = (by[:, axis - 2] * side).round().long()
        source = (torch.arange(side, device=x.device) - pixels[:, None]).clamp(0, side - 1)
        index = source.view(len(x), 1, *((side, 1) if axis == 2 else (1, side))).expand_as(x)
        x = x.gather(axis, index)
    return x


def _apart(verdict: Verdict, side: str, logits: Tensor, other: Sample) -> Tensor:
    return per_example((logits - verdict.opinion(other, side).logits).square())


def _moved(verdict: Verdict, sample: Sample) -> Tensor:
    assert isinstance(sample, Tensor)
    return shifted(sample, REACH * verdict.draws["shift"])


def _near(verdict: Verdict) -> Sample:
    z = verdict.latent["z"]
    return verdict.again({"z": z + SIGMA * verdict.latent["near"]})


consistent_real = Term(
    "consistent_real", lambda v: _apart(v, "real", v.on_real, _moved(v, v.real)), draws={"shift": offsets}
)
"""(D(x) − D(T(x)))², weighed by λ = 10; T shifts, and does not mirror as theirs does, for digits can't bear it.
Zhang et al. 2020, eq. 3."""

consistent_fake = Term(
    "consistent_fake", lambda v: _apart(v, "fake", v.on_fake, _moved(v, v.fake)), draws={"shift": offsets}
)
"""The same of fakes: Zhao et al. 2020, section 3.1."""


def consistent_latent(dim: int) -> Term:
    """(D(G(z)) − D(G(z + δ)))², weighed by λ = 5: the critic's half of Zhao et al. 2020, section 3.2."""
    return Term("consistent_latent", lambda v: _apart(v, "fake", v.on_fake, _near(v)), draws={"near": normal(dim)})


def varied(dim: int) -> Term:
    """−‖G(z) − G(z + δ)‖² a number of a sample, weighed by λ = .5: the generator's half."""
    return Term("varied", lambda v: -per_example(_squares(v.fake, _near(v))), draws={"near": normal(dim)})


def _squares(a: Sample, b: Sample) -> Tensor:
    assert isinstance(a, Tensor) and isinstance(b, Tensor)
    return (a - b).square()
