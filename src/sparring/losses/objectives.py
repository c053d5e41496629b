"""Adversarial objectives as functions of logits, one entry per paper.

`critic(verdict)` and `generator(verdict)` return losses by name, (n,) per example. Patch logits (n, 1, h, w) are
averaged over the patches of an example.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from sparring.errors import UserError
from sparring.game import Parts, ScheduledBuffer, Verdict, per_example

OnLogits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """A separable objective: losses of real and of fake logits for the critic, of fake logits for the generator."""

    coupled: ClassVar[bool] = False
    """Whether an example's loss depends on the rest of its batch."""

    name: str
    real: OnLogits
    fake: OnLogits
    on_generated: OnLogits

    def critic(self, verdict: Verdict) -> Parts:
        return {"real": per_example(self.real(verdict.on_real)), "fake": per_example(self.fake(verdict.on_fake))}

    def generator(self, verdict: Verdict) -> Parts:
        return {"generator": per_example(self.on_generated(verdict.on_fake))}

    def encoder(self, verdict: Verdict) -> Parts:
        """The encoder's loss: its pairs (x, E(x)) count as real, and it wants the critic to call them fake."""
        return {"encoder": per_example(self.fake(verdict.on_real))}


@dataclass(frozen=True)
class PairedObjective(Objective):
    """An objective on the difference between the logits of a real example and of the fake example paired with it."""

    def critic(self, verdict: Verdict) -> Parts:
        return {"critic": per_example(self.real(verdict.on_real - verdict.on_fake))}

    def generator(self, verdict: Verdict) -> Parts:
        return {"generator": per_example(self.on_generated(verdict.on_fake - verdict.on_real))}

    def encoder(self, verdict: Verdict) -> Parts:
        return {}  # the generator's loss covers both sides


@dataclass(frozen=True)
class AveragedObjective(Objective):
    """An objective on the difference between a logit and the mean logit of the other side; G and D are symmetric.

    The means are those of the batch, so micro-batches are refused.
    """

    coupled: ClassVar[bool] = True

    def critic(self, verdict: Verdict) -> Parts:
        r, f = verdict.on_real, verdict.on_fake
        return {"real": per_example(self.real(r - f.mean())), "fake": per_example(self.fake(f - r.mean()))}

    def generator(self, verdict: Verdict) -> Parts:
        r, f = verdict.on_real, verdict.on_fake
        return {"generator": per_example(self.on_generated(f - r.mean()) + self.fake(r - f.mean()))}

    def encoder(self, verdict: Verdict) -> Parts:
        return {}  # the generator's loss covers both sides


def uses_logit_differences(objective: Objective) -> bool:
    """Whether only differences of logits matter, so that a single logit or its sign has no meaning."""
    return type(objective) is not Objective or objective is wasserstein


def one_sided_label_smoothing(objective: Objective, share: float) -> Objective:
    """One-sided label smoothing: the target of real examples is 1 − share. Salimans et al. 2016 (arXiv:1606.03498),
    section 3.4.

    Exact for cross-entropy, and for least squares up to a constant. Raises UserError for objectives of logit
    differences, which have no targets.
    """
    if uses_logit_differences(objective):
        raise UserError(f"{objective.name} compares logits and has no targets to smooth: set smoothing to 0")
    return replace(objective, real=lambda r: (1 - share) * objective.real(r) + share * objective.fake(r))


@dataclass(frozen=True)
class TopK:
    """The generator learns only from the share of its samples with the highest logits.

    Sinha et al. 2020 (arXiv:2002.06224), section 3; the share decreases to one half during training.
    """

    coupled: ClassVar[bool] = True

    of: Objective
    share: ScheduledBuffer

    @property
    def name(self) -> str:
        return f"{self.of.name}, top-k"

    def critic(self, verdict: Verdict) -> Parts:
        return self.of.critic(verdict)

    def generator(self, verdict: Verdict) -> Parts:
        parts = self.of.generator(verdict)
        logits = per_example(verdict.on_fake.detach())
        k = (self.share.value * len(logits)).ceil()
        best = logits.argsort(descending=True).argsort() < k
        return {name: part * best * (len(logits) / k) for name, part in parts.items()}

    def encoder(self, verdict: Verdict) -> Parts:
        return self.of.encoder(verdict)


def _saturated(f: Tensor) -> Tensor:
    return -softplus(f)


def _raise(logit: Tensor) -> Tensor:
    return softplus(-logit)


minimax = Objective("minimax", _raise, softplus, _saturated)
"""min_G max_D E log D(x) + E log(1 − D(G(z))). Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1."""

non_saturating = Objective("non-saturating", _raise, softplus, _raise)
"""The same critic; the generator maximises log D(G(z)). Goodfellow et al. 2014, section 3."""

least_squares = Objective(
    "least-squares", lambda r: (r - 1).square() / 2, lambda f: f.square() / 2, lambda f: (f - 1).square() / 2
)
"""Targets 0 and 1, a = 0, b = c = 1. Mao et al. 2017 (arXiv:1611.04076), eq. 9."""

wasserstein = Objective("wasserstein", torch.neg, lambda f: f, torch.neg)
"""The Kantorovich dual. Arjovsky et al. 2017 (arXiv:1701.07875), eq. 3; add a Lipschitz penalty."""

hinge = Objective("hinge", lambda r: (1 - r).relu(), lambda f: (1 + f).relu(), torch.neg)
"""Lim & Ye 2017 (arXiv:1705.02894); Miyato et al. 2018 (arXiv:1802.05957), eq. 16."""

relativistic = PairedObjective("relativistic", _raise, _raise, _raise)
"""Real i against fake i. Jolicoeur-Martineau 2018 (arXiv:1807.00734); Huang et al. 2024 (arXiv:2501.05441), eq. 2."""

relativistic_average = AveragedObjective("relativistic-average", _raise, softplus, _raise)
"""Jolicoeur-Martineau 2018, section 4.3 (RaSGAN)."""

_ALL = (minimax, non_saturating, least_squares, wasserstein, hinge, relativistic, relativistic_average)
OBJECTIVES = {objective.name: objective for objective in _ALL}
