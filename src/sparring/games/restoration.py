"""Restoration: pix2pix whose input is a degraded copy of the example."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.degrade import Degradation
from sparring.errors import UserError
from sparring.game import Game, Round
from sparring.games.pix2pix import Pix2Pix, Pix2PixOptions
from sparring.games.shared.options import GameContext
from sparring.recipes.recipe import Shape


class Restoration(Pix2Pix):
    """Pix2pix whose input is degraded from the example when the round begins."""

    def __init__(self, *args, degradation: Degradation, **options):
        super().__init__(*args, latents=degradation.draws, **options)
        self.degradation = degradation

    def preprocess_round(self, round: Round) -> Round:
        round = super().preprocess_round(round)
        assert isinstance(round.real, Tensor)
        return Round(round.real, self.degradation(round.real, round.latent), round.latent)


@dataclass(frozen=True)
class RestorationOptions(Pix2PixOptions):
    degradations: tuple[str, ...] = ()
    """What is undone, in this order, such as ("blur:0.5-2", "noise:0.05"): see `sparring.degrade`."""

    accepts_networks: ClassVar[bool] = True

    def input_shape(self, context: GameContext) -> Shape:
        """With a channel for the mask of known pixels, where there are holes."""
        if not self.degradations:
            raise UserError(f"{context.recipe} undoes degradations: state some, such as --degradations noise:0.1")
        return Degradation(self.degradations).inputs(context.shape)

    def build(self, context: GameContext) -> Game:
        """The critic sees the degraded copy too, if it has the example's size."""
        channels, *sides = self.input_shape(context)
        shows = sides == [*context.shape[1:]]
        G, D = self.build_generator(context), context.player("D", inputs=channels * shows)
        arguments = self.gan_arguments(context, G, D) | {"warm_up": self.warm_up, "vary": self.augmentation()}
        degradation = Degradation(self.degradations)
        return Restoration(G, D, self.build_objective(), degradation=degradation, shows=shows, **arguments)
