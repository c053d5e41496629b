"""Adam with scheduled rates: one optimiser for each player, whatever turns it learns in."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.game import Turn
from sparring.schedules import Number, at


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba 2015 (arXiv:1412.6980); rates may be schedules of the images seen."""

    lr: Number = 2e-4
    beta1: Number = 0.5
    beta2: Number = 0.999
    eps: float = 1e-8

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, lr=at(self.lr, 0), betas=self.betas(0), eps=self.eps, fused=True)

    def betas(self, seen: int) -> tuple[float, float]:
        return at(self.beta1, seen), at(self.beta2, seen)

    def adjust(self, optimiser: torch.optim.Optimizer, seen: int, correction: float) -> None:
        """Sets learning rate and betas for the round after `seen` images.

        `correction` c ≤ 1 compensates for the additional steps of lazy turns: lr·c, β^c (Karras et al. 2020,
        arXiv:1912.04958, appendix B).
        """
        beta1, beta2 = self.betas(seen)
        for group in optimiser.param_groups:
            group["lr"] = at(self.lr, seen) * correction
            group["betas"] = (beta1**correction, beta2**correction)


def correction(player: str, turns: Sequence[Turn]) -> float:
    """Steps of a player per round without the lazy turns, divided by steps with them."""
    steady = sum(turn.times for turn in turns if player in turn.learns and turn.every == 1)
    total = sum(turn.times / turn.every for turn in turns if player in turn.learns)
    return steady / total if steady else 1.0


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat, named tensors: "3.exp_avg" is the first moment of the fourth parameter."""
    state = optimiser.state_dict()["state"]
    return {f"{index}.{key}": value for index, entry in state.items() for key, value in entry.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `optimiser_state`.

    Moments take the memory format of their parameter, which files do not record: the fused step requires it.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        p = parameters[int(index)]
        moment = value.shape == p.shape
        state.setdefault(int(index), {})[key] = torch.empty_like(p).copy_(value) if moment else value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
