"""What all games have in common in which one generator makes pictures of pictures and one critic judges them."""

import torch
from torch import Tensor, nn

from sparring.game import Critic, Round, Sample
from sparring.games.gan import GAN
from sparring.losses.objectives import Objective, TopK


class ImageToImageGAN(GAN):
    """G makes pictures of the pictures given.

    Args:
        G: x (n, …) → y (n, …).
        shows: D sees x beside y, in channels before y's; they have one size then.
        options: as `GAN` takes them.
    """

    def __init__(self, G: nn.Module, D: nn.Module, objective: Objective | TopK, *args, shows: bool = True, **options):
        super().__init__(G, D, objective, *args, **options)
        self.shows = shows

    def input(self, round: Round) -> Tensor:
        """x."""
        assert round.condition is not None
        return round.condition

    def generate(self, round: Round) -> Sample:
        return self.players["G"](self.input(round))

    def critic(self, round: Round, D=None) -> Critic:
        judge, seen = D or self.players["D"], [self.input(round)] if self.shows else []
        return lambda y: judge(torch.cat([*seen, y], 1))  # pyright: ignore[reportArgumentType, reportCallIssue]
