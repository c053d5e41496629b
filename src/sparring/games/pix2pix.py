"""Paired image-to-image translation: Isola et al. 2017 (arXiv:1611.07004). The condition of an example is the image
that the generator maps to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.augment import Augment
from sparring.errors.bounds import Bounds
from sparring.game import Draw, Game, LossTerm, Parts, Round, ScheduledBuffer, Turn
from sparring.games.image_to_image import ImageToImageGAN, ImageToImageOptions
from sparring.games.latent_gan import Probability
from sparring.games.shared.options import GameContext
from sparring.losses.paired import Distance, distance
from sparring.schedules import at


class Pix2Pix(ImageToImageGAN):
    """Image-to-image translation with known targets: `l1` is a loss term of G.

    Args:
        warm_up: images for which G learns from distances alone, and D does not learn.
        vary: augments both images of a pair alike, against overfitting (section 6.2 uses jitter).
    """

    def __init__(
        self,
        *args,
        warm_up: int = 0,
        vary: Augment | None = None,
        latents: Mapping[str, Draw] | None = None,
        generator_terms: Sequence[LossTerm] = (),
        **options,
    ):
        terms = [distance, *generator_terms]
        draws = dict(latents or {}) | ({} if vary is None else {"vary": vary.draw})
        super().__init__(*args, latents=draws, generator_terms=terms, **options)
        self.warm_up, self.vary = warm_up, vary
        self._warm_up_turns = [WarmUp(self, [term for term in terms if isinstance(term, Distance)])]

    def turns(self, seen: int) -> list[Turn]:
        turns = super().turns(seen)
        return list(self._warm_up_turns) if seen < self.warm_up else turns

    def preprocess_round(self, round: Round) -> Round:
        real, condition = round.real, round.condition
        if self.vary is None:
            return round
        u = round.latent["vary"]
        assert isinstance(real, Tensor)
        if condition is not None and condition.ndim == real.ndim:  # an image, not a class
            condition = self.vary(condition, u).clamp(-1, 1)
        return Round(self.vary(real, u).clamp(-1, 1), condition, round.latent)


class WarmUp(Turn):
    """G learns from distances alone: Wang et al. 2018 (arXiv:1809.00219), section 3.3."""

    name, learns = "warm-up", ("G",)

    def __init__(self, game: Pix2Pix, distances: Sequence[Distance]):
        self.game, self.distances = game, distances

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        return {term.name: term(verdict) for term in self.distances}


@dataclass(frozen=True)
class Pix2PixOptions(ImageToImageOptions):
    augment: tuple[str, ...] = ()
    """Augmentations of both images of a pair alike: names of `sparring.augment`, each applied"""
    augment_p: Probability = 1.0
    """with this probability."""
    warm_up: Annotated[int, Bounds(0)] = 0
    """Images for which the generator learns from the distance to the target alone."""

    loss_terms: ClassVar = (*ImageToImageOptions.loss_terms, "l1")

    def augmentation(self) -> Augment | None:
        return Augment(self.augment, ScheduledBuffer(partial(at, self.augment_p))) if self.augment else None

    def build(self, context: GameContext) -> Game:
        G, D = self.build_generator(context), context.player("D", inputs=self.input_shape(context)[0])
        arguments = self.gan_arguments(context, G, D)
        return Pix2Pix(G, D, self.build_objective(), warm_up=self.warm_up, vary=self.augmentation(), **arguments)
