"""The generator learns against the critic as it would be after some steps of its own. Metz et al. 2017
(arXiv:1611.02163), section 2."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sparring.game import CriticOutput, LossTerm, Round, Turn, Verdict
from sparring.games.gan import GAN, GeneratorTurn
from sparring.losses.objectives import Objective, TopK


class UnrolledGAN(GAN):
    """A GAN whose generator looks ahead.

    Args:
        steps: K, of the critic.
        rate: η of these steps, which go down the gradient of the objective alone (equation 7).
    """

    def __init__(
        self, G: nn.Module, D: nn.Module, objective: Objective | TopK, *args, steps: int, rate: float, **options
    ):
        self.steps, self.rate = steps, rate
        super().__init__(G, D, objective, *args, **options)

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return UnrolledGeneratorTurn(self, objective, terms)


class UnrolledGeneratorTurn(GeneratorTurn):
    """The critic's steps are by the mean over the batch, so slices would take others."""

    game: UnrolledGAN

    def __init__(self, game: UnrolledGAN, objective: Objective | TopK, terms: Sequence[LossTerm]):
        super().__init__(game, objective, terms)
        self.coupled = True

    def generator_verdict(self, round: Round) -> Verdict:
        D = self.game.players["D"]

        def verdict() -> Verdict:
            return self.game.verdict(round, self.game.critic(round, partial(_with, D, theta)))

        learning = [(name, p) for name, p in D.named_parameters() if f"D.{name}" not in self.game.frozen]
        theta = {name: p.detach().requires_grad_() for name, p in learning}
        for _ in range(self.game.steps):
            parts = self.wanted.critic(verdict())
            loss = torch.stack([part.mean() for part in parts.values()]).sum()
            # What is told beside the logits has layers that the objective does not reach.
            slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=True, allow_unused=True)
            theta = {
                name: p if slope is None else p - self.game.rate * slope
                for (name, p), slope in zip(theta.items(), slopes, strict=True)
            }
        return verdict()


def _with(D: nn.Module, theta: dict[str, Tensor], *inputs: Tensor) -> Tensor | CriticOutput:
    """D with other weights θ."""
    return torch.func.functional_call(D, theta, inputs)
