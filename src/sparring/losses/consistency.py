"""Consistency regularisation of critics: Zhang et al. 2020 (arXiv:1910.12027), Zhao et al. 2020 (arXiv:2002.04724);
invariant clustering: Ji et al. 2019 (arXiv:1807.06653)."""

import torch
from torch import Tensor

from sparring.augment.moves import scale, squeeze, translation
from sparring.augment.warp import warp
from sparring.errors import UserError
from sparring.game import FunctionTerm, Sample, Verdict, per_example
from sparring.losses.auxiliary import critic_output
from sparring.priors import normal, uniform

MAX_SHIFT = 1 / 8
"""Of the image's side; the papers shift CIFAR's 32 pixels by up to 4."""
SIGMA = 0.03
"""Standard deviation of the latent perturbation."""


def offsets(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n, 2) in [−1, 1): down, right."""
    return 2 * torch.rand(n, 2, generator=generator, device=generator.device) - 1


def shift(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, c, h, w) shifted by whole pixels, `by` (n, 2) as shares of the sides; edges are repeated."""
    for axis in (2, 3):
        side = x.shape[axis]
        pixels = (by[:, axis - 2] * side).round().long()
        source = (torch.arange(side, device=x.device) - pixels[:, None]).clamp(0, side - 1)
        index = source.view(len(x), 1, *((side, 1) if axis == 2 else (1, side))).expand_as(x)
        x = x.gather(axis, index)
    return x


def _logit_distance(verdict: Verdict, side: str, logits: Tensor, other: Sample) -> Tensor:
    return per_example((logits - verdict.forward(other, side).logits).square())


def _image(sample: Sample, method: str) -> Tensor:
    if not isinstance(sample, Tensor) or sample.dim() != 4:
        raise UserError(f"the method '{method}' needs images: leave it out")
    return sample


def _shifted(verdict: Verdict, sample: Sample) -> Tensor:
    return shift(_image(sample, "consistency"), MAX_SHIFT * verdict.draws["shift"])


def _perturbed_fake(verdict: Verdict) -> Sample:
    z = verdict.latent["z"]
    return verdict.regenerate({"z": z + SIGMA * verdict.latent["near"]})


consistent_real = FunctionTerm(
    "consistent_real", lambda v: _logit_distance(v, "real", v.on_real, _shifted(v, v.real)), draws={"shift": offsets}
)
"""(D(x) − D(T(x)))², weighted by λ = 10. T is a random shift; the paper also flips, which would change digits.
Zhang et al. 2020, eq. 3."""

consistent_fake = FunctionTerm(
    "consistent_fake", lambda v: _logit_distance(v, "fake", v.on_fake, _shifted(v, v.fake)), draws={"shift": offsets}
)
"""The same for generated images: Zhao et al. 2020, section 3.1."""


def consistent_latent(dim: int) -> FunctionTerm:
    """(D(G(z)) − D(G(z + δ)))², weighed by λ = 5: the critic's term of Zhao et al. 2020, section 3.2."""
    return FunctionTerm(
        "consistent_latent",
        lambda v: _logit_distance(v, "fake", v.on_fake, _perturbed_fake(v)),
        draws={"near": normal(dim)},
    )


def latent_diversity(dim: int) -> FunctionTerm:
    """−(G(z) − G(z + δ))², the mean over a sample, weighed by λ = .5: the generator's term of section 3.2."""
    return FunctionTerm(
        "varied", lambda v: -per_example(_squares(v.fake, _perturbed_fake(v))), draws={"near": normal(dim)}
    )


def _squares(a: Sample, b: Sample) -> Tensor:
    assert isinstance(a, Tensor) and isinstance(b, Tensor)
    return (a - b).square()


def affine_jitter(x: Tensor, u: Tensor) -> Tensor:
    """Images (n, c, h, w) shifted, scaled and squeezed by u (n, 5) in [0, 1); .5 is the identity."""
    sides = (x.shape[2], x.shape[3])
    return warp(x, squeeze(u[:, :2], sides) @ scale(u[:, 2:3], sides) @ translation(u[:, 3:], sides))


def shift_scale(x: Tensor, u: Tensor) -> Tensor:
    """Images (n, c, h, w) shifted and scaled by u (n, 3) in [0, 1); .5 is the identity."""
    sides = (x.shape[2], x.shape[3])
    return warp(x, scale(u[:, :1], sides) @ translation(u[:, 1:], sides))


def mutual_information(p: Tensor, q: Tensor) -> Tensor:
    """I(c; c′) in nats of paired category probabilities p and q (n, k), a scalar. Ji et al. 2019, section 3.1:
    P = Σ pqᵀ / n, symmetrised, then Σ P ln(P / (Pₐ P_b))."""
    joint = p.T @ q / len(p)
    joint = ((joint + joint.T) / 2).clamp(min=1e-8)
    return (joint * (joint.log() - joint.sum(0).log() - joint.sum(1, keepdim=True).log())).sum()


def _negative_information(verdict: Verdict) -> Tensor:
    other = verdict.forward(affine_jitter(_image(verdict.real, "invariance"), verdict.draws["change"]))
    p, q = (critic_output(output, "category").softmax(1) for output in (verdict.output_real, other))
    return -mutual_information(p, q)


invariant_category = FunctionTerm("invariance", _negative_information, draws={"change": uniform(5)}, coupled=True)
"""−I(Q(x), Q(T(x))): predicted categories of real images are confident, balanced and invariant to T."""


def invariant_codes(start: int) -> FunctionTerm:
    """`auxiliary.code_loss` on shifted and scaled images T(G(z, c)): codes then do not encode position or size."""

    def part(verdict: Verdict) -> Tensor:
        output = verdict.forward(shift_scale(_image(verdict.fake, "steady"), verdict.draws["move"]), "fake")
        return (critic_output(output, "code") - verdict.latent["z"][:, start:]).square().sum(1) / 2

    return FunctionTerm("steady", part, draws={"move": uniform(3)})
