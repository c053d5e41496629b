"""Terms that remember: their running means are buffers of the game, and move after their player's step."""

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sparring.game import Draw, Parts, Sample, Verdict, per_example, value_and_vjp
from sparring.priors import gaussian


class LeCam(nn.Module):
    """(D(x) − α_F)² + (D(G(z)) − α_R)², α the running means of the logits on fake and on real; weighed by λ ≈ .1.

    Tseng et al. 2021 (arXiv:2104.03310), eq. 5; means decay by .99 a step.
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
        self._of = list(player.parameters())  # in a list, so that they are not registered a second time
        self.means = nn.ParameterList([p.detach().clone() for p in self._of]).requires_grad_(False)
        self.register_buffer("count", torch.ones(()))

    def forward(self, verdict: Verdict) -> Tensor:
        return torch.stack([(p - mean).square().sum() for p, mean in zip(self._of, self.means, strict=True)]).sum()

    def notes(self, verdict: Verdict) -> Parts:
        return {}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        self.count += 1
        for p, mean in zip(self._of, self.means, strict=True):
            mean.lerp_(p, 1 / float(self.count))


@runtime_checkable
class Styled(Protocol):
    """A generator with a style w for every layer, (n, depth, dim)."""

    def styles(self, z: Tensor, *given: Tensor) -> Tensor: ...
    def synthesis(self, w: Tensor) -> Tensor: ...


class PathLength(nn.Module):
    """(‖J_wᵀ y‖ − a)², y ~ N(0, I)/√(h·w) an image, a the running mean of these lengths; weighed by 2. So a step of one
    length in w changes an image as much wherever it is taken. Karras et al. 2020 (arXiv:1912.04958), section 3.2.

    The squared norm is the mean over layers that have a w of their own. The paper sums it, and leaves y unscaled; with
    the weight its appendix B gives by resolution that is the same. a decays by .99 a time it moves.

    Args:
        G: `Styled`; or any other, in which z is taken for w.
        conditional: G is given what comes with the examples.
    """

    name, coupled = "path_length", False
    draws: Mapping[str, Draw] = {"direction": gaussian}
    a: Tensor

    def __init__(self, G: nn.Module, conditional: bool, decay: float = 0.99):
        super().__init__()
        # In a tuple, so that it is not registered a second time; and asked here, for a compiler can't ask a protocol.
        self._of = G, G if isinstance(G, Styled) else None
        self.conditional, self.decay = conditional, decay
        self.register_buffer("a", torch.zeros(()))

    def forward(self, verdict: Verdict) -> Tensor:
        lengths = self.lengths(verdict)
        verdict.cache[self.name] = lengths.detach()
        return (lengths - self.a).square()

    def lengths(self, verdict: Verdict) -> Tensor:
        """‖J_wᵀ y‖ of the latents that were drawn, (n,)."""
        z, y = verdict.latent["z"], verdict.latent["direction"]
        given = [unpack_rows(verdict.condition, len(z))] if self.conditional and verdict.condition is not None else []
        _, styled = self._of
        w = styled.styles(z, *given) if styled else z[:, None]
        y = y / math.sqrt(math.prod(y.shape[2:]))
        _, _, slope = value_and_vjp(lambda w: (self._made(w, given).to(y), {}), w, y)
        assert isinstance(slope, Tensor)
        squares = slope.to(torch.promote_types(slope.dtype, torch.float32)).square().sum(2).mean(1)
        return (squares + 1e-12).sqrt()  # the square root has no gradient at 0

    def _made(self, w: Sample, given: list[Tensor]) -> Tensor:
        """The samples of w (n, depth, dim)."""
        G, styled = self._of
        assert isinstance(w, Tensor)
        return styled.synthesis(w) if styled else G(w.squeeze(1), *given)

    def notes(self, verdict: Verdict) -> Parts:
        return {self.name: verdict.cache[self.name]}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        self.a.lerp_(notes[self.name].mean().to(self.a), 1 - self.decay)


def unpack_rows(given: Tensor, n: int) -> Tensor:
    """What is given with n examples, (n, …), though packs have it in one row."""
    return given if len(given) == n else given.flatten(0, 1)
