"""A GAN whose players grow with the images they have seen: Karras et al. 2018 (arXiv:1710.10196), section 2."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from torch import nn

from sparring.errors import UserError
from sparring.game import Game, Round, Sample, Turn, Verdict, map_sample
from sparring.games.gan import GAN
from sparring.games.latent_gan import AugmentedGANOptions
from sparring.games.shared.options import Count, GameContext
from sparring.networks.progan import Grown, blend_resolutions


def grown_after(seen: int, images_per_phase: int) -> float:
    """The stage after so many images: a size is trained for one phase, and the next faded in over another."""
    stage, into = divmod(seen / images_per_phase, 2)
    return stage + max(0.0, into - 1)


class ProgressiveGAN(GAN):
    """A GAN of `Grown` players.

    Args:
        stage: (images seen) → the stage of both players; whole numbers are sizes, and numbers between them fade in the
            next size.
    """

    def __init__(self, G: Grown, D: Grown, *args, stage: Callable[[int], float], **options):
        super().__init__(G, D, *args, **options)
        self.stage = stage

    def turns(self, seen: int) -> list[Turn]:
        for player in self.players.values():
            cast(Grown, player).grow(self.stage(seen))
        return super().turns(seen)

    def verdict(self, round: Round, critic=None) -> Verdict:
        D = cast(Grown, self.players["D"])
        stage, last = float(D.stage), D.last

        def shrink(sample: Sample) -> Sample:
            return map_sample(lambda x: blend_resolutions(x, stage, last), sample)

        return super().verdict(Round(shrink(round.real), round.condition, round.latent, round.fake), critic)


@dataclass(frozen=True)
class ProgressiveOptions(AugmentedGANOptions):
    images_per_phase: Count = 800_000
    """Images for which a size is trained, and over which the next one is faded in: appendix A.1."""

    def build(self, context: GameContext) -> Game:
        G = _grown(self.build_generator(context), context.choices["G"].name)
        D = _grown(self.build_critic(context), context.choices["D"].name)
        stage = partial(grown_after, images_per_phase=self.images_per_phase)
        return ProgressiveGAN(G, D, self.build_objective(), stage=stage, **self.gan_arguments(context, G, D))


def _grown(player: nn.Module, name: str) -> Grown:
    if not isinstance(player, Grown):
        raise UserError(f"{name} does not grow: take one that does (progan-generator, progan-critic)")
    return player
