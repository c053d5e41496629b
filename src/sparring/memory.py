"""Terms that remember: their running means are buffers of the game, and move after their player's step."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparring.game import Draw, Parts, Verdict
from sparring.objectives import per_example


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
