"""A GAN whose generator learns against the critic some steps ahead: Metz et al. 2017 (arXiv:1611.02163), section 2."""

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
        return UnrolledGeneratorTurn(self, terms, objective)


class UnrolledGeneratorTurn(GeneratorTurn):
    """Coupled: the critic's steps follow the mean over the batch."""

    game: UnrolledGAN

    def __init__(self, game: UnrolledGAN, terms: Sequence[LossTerm], objective: Objective | TopK):
        super().__init__(game, terms, objective)
        self.coupled = True

    def generator_verdict(self, round: Round) -> Verdict:
        D = self.game.players["D"]

        def verdict() -> Verdict:
            return self.game.verdict(round, self.game.critic(round, partial(_with_weights, D, theta)))

        learning = [(name, p) for name, p in D.named_parameters() if f"D.{name}" not in self.game.frozen]
        theta = {name: p.detach().requires_grad_() for name, p in learning}
        for _ in range(self.game.steps):
            parts = self.objective.critic(verdict())
            loss = torch.stack([part.mean() for part in parts.values()]).sum()
            # The objective does not reach the layers of further heads.
            gradients = torch.autograd.grad(loss, list(theta.values()), create_graph=True, allow_unused=True)
            theta = {
                name: p if gradient is None else p - self.game.rate * gradient
                for (name, p), gradient in zip(theta.items(), gradients, strict=True)
            }
        return verdict()


def _with_weights(D: nn.Module, theta: dict[str, Tensor], *inputs: Tensor) -> Tensor | CriticOutput:
    return torch.func.functional_call(D, theta, inputs)
