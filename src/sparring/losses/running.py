"""Loss terms with running means, which are buffers of the game, updated after the player's step."""

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sparring.game import Draw, Parts, Sample, Verdict, per_example
from sparring.priors import gaussian
from sparring.vjp import value_and_vjp


class LeCam(nn.Module):
    """(D(x) − α_F)² + (D(G(z)) − α_R)², α the running means of fake and real logits; λ ≈ .1.

    Tseng et al. 2021 (arXiv:2104.03310), eq. 5; the decay is .99 per step.
    """

    name, coupled = "lecam", False
    draws: Mapping[str, Draw] = {}
    alpha: Tensor

    def __init__(self, decay: float = 0.99):
        super().__init__()
        self.decay = decay
        self.register_buffer("alpha", torch.zeros(2))  # of real, of fake

    def forward(self, verdict: Verdict) -> Tensor:
        real, fake = verdict.on_real - self.alpha[1], verdict.on_fake - self.alpha[0]
        return per_example(real.square() + fake.square())

    def notes(self, verdict: Verdict) -> Parts:
        logits = (per_example(verdict.on_real), per_example(verdict.on_fake))
        return {"lecam": torch.stack(logits, 1).detach()}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        self.alpha.lerp_(notes["lecam"].mean(0).to(self.alpha), 1 - self.decay)


class HistoricalAverage(nn.Module):
    """‖θ − (1/t) Σᵢ θᵢ‖² over a player's past weights. Salimans et al. 2016 (arXiv:1606.03498), section 3.3."""

    name, coupled = "history", False
    draws: Mapping[str, Draw] = {}

    def __init__(self, player: nn.Module):
        super().__init__()
        self._parameters_of = list(player.parameters())  # a list: not registered a second time
        self.means = nn.ParameterList([p.detach().clone() for p in self._parameters_of]).requires_grad_(False)
        self.register_buffer("count", torch.ones(()))

    def forward(self, verdict: Verdict) -> Tensor:
        return torch.stack(
            [(p - mean).square().sum() for p, mean in zip(self._parameters_of, self.means, strict=True)]
        ).sum()

    def notes(self, verdict: Verdict) -> Parts:
        return {}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        self.count += 1
        for p, mean in zip(self._parameters_of, self.means, strict=True):
            mean.lerp_(p, 1 / float(self.count))


@runtime_checkable
class Styled(Protocol):
    """A generator with a style w for every layer, (n, depth, dim)."""

    def styles(self, z: Tensor, *given: Tensor) -> Tensor: ...
    def synthesis(self, w: Tensor) -> Tensor: ...


class PathLength(nn.Module):
    """Path length regularisation, (‖J_wᵀ y‖ − a)²: Karras et al. 2020 (arXiv:1912.04958), section 3.2; λ = 2.

    y ~ N(0, I)/√(h·w) is a random image and a the running mean of the lengths, with decay .99. The squared norm is
    averaged over the layers' styles; the paper sums it and leaves y unscaled, which its resolution-dependent weight
    (appendix B) undoes.

    Args:
        G: a `Styled` generator; for any other, z takes the place of w.
        conditional: whether G takes the condition.
    """

    name, coupled = "path_length", False
    draws: Mapping[str, Draw] = {"direction": gaussian}
    a: Tensor

    def __init__(self, G: nn.Module, conditional: bool, decay: float = 0.99):
        super().__init__()
        # A tuple, so that G is not registered twice. The protocol is checked here: compiled code can't check it.
        self._generator = G, G if isinstance(G, Styled) else None
        self.conditional, self.decay = conditional, decay
        self.register_buffer("a", torch.zeros(()))

    def forward(self, verdict: Verdict) -> Tensor:
        lengths = self.lengths(verdict)
        verdict.cache[self.name] = lengths.detach()
        return (lengths - self.a).square()

    def lengths(self, verdict: Verdict) -> Tensor:
        """‖J_wᵀ y‖ at the round's latents, (n,)."""
        z, y = verdict.latent["z"], verdict.latent["direction"]
        condition = (
            [unpack_rows(verdict.condition, len(z))] if self.conditional and verdict.condition is not None else []
        )
        _, styled = self._generator
        w = styled.styles(z, *condition) if styled else z[:, None]
        y = y / math.sqrt(math.prod(y.shape[2:]))
        _, _, slope = value_and_vjp(lambda w: (self._images(w, condition).to(y), {}), w, y)
        assert isinstance(slope, Tensor)
        squares = slope.to(torch.promote_types(slope.dtype, torch.float32)).square().sum(2).mean(1)
        return (squares + 1e-12).sqrt()  # the square root has no gradient at 0

    def _images(self, w: Sample, condition: list[Tensor]) -> Tensor:
        """Generated samples of w (n, depth, dim)."""
        G, styled = self._generator
        assert isinstance(w, Tensor)
        return styled.synthesis(w) if styled else G(w.squeeze(1), *condition)

    def notes(self, verdict: Verdict) -> Parts:
        return {self.name: verdict.cache[self.name]}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        self.a.lerp_(notes[self.name].mean().to(self.a), 1 - self.decay)


def unpack_rows(condition: Tensor, n: int) -> Tensor:
    """The condition with one row per example, (n, …); packs hold it in one row per pack."""
    return condition if len(condition) == n else condition.flatten(0, 1)
