"""A GAN whose players grow with the images they have seen. Karras et al. 2018 (arXiv:1710.10196), section 2."""

from collections.abc import Callable
from typing import cast

from sparring.game import Round, Sample, Turn, Verdict, map_sample
from sparring.games.gan import GAN
from sparring.networks.progan import Grown, blend_resolutions


def grown_after(seen: int, phase: int) -> float:
    """The stage after so many images: a size is played for a phase, then the next is faded in over another."""
    stage, into = divmod(seen / phase, 2)
    return stage + max(0.0, into - 1)


class ProgressiveGAN(GAN):
    """A GAN of `Grown` players.

    Args:
        stage: of both, after so many images: whole numbers are sizes, those between fade in the next.
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

        def small(sample: Sample) -> Sample:
            return map_sample(lambda x: blend_resolutions(x, stage, last), sample)

        return super().verdict(Round(small(round.real), round.condition, round.latent, round.fake), critic)
