"""Games in which one generator maps images to images and one critic judges them."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.game import Critic, Round, Sample
from sparring.games.gan import GAN, GANOptions
from sparring.games.shared.options import GameContext, GameOptions
from sparring.losses.objectives import Objective, TopK
from sparring.recipes.recipe import Shape


class ImageToImageGAN(GAN):
    """G maps the image in a round's condition.

    Args:
        G: x (n, …) → y (n, …).
        shows: D sees x concatenated with y, along channels, x first; both have one size then.
        options: those of `GAN`.
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
        judge, shown = D or self.players["D"], [self.input(round)] if self.shows else []
        return lambda y: judge(torch.cat([*shown, y], 1))  # pyright: ignore[reportArgumentType, reportCallIssue]


@dataclass(frozen=True)
class TranslationOptions(GameOptions):
    """Options of games whose generator takes an image: no option of its own, but the networks' sizes."""

    accepts_networks: ClassVar[bool] = False

    def input_shape(self, context: GameContext) -> Shape:
        """The example's, with the channels that the generator's number `inputs` states, if it does."""
        channels, *sides = context.shape
        return int(context.choices["G"].numbers.get("inputs", 0)) or channels, *sides  # pyright: ignore[reportArgumentType]

    def build_generator(self, context: GameContext) -> nn.Module:
        """With a `scale` where the input is smaller than the output."""
        (channels, *sides), output = self.input_shape(context), context.shape
        numbers: dict[str, Any] = {} if sides == [*output[1:]] else {"scale": output[1] // sides[0]}
        numbers |= {"classes": context.classes} if self.conditional else {}
        return context.player("G", inputs=channels, **numbers)


@dataclass(frozen=True)
class ImageToImageOptions(TranslationOptions, GANOptions):
    """Options of every image-to-image game of one critic."""
