"""Pictures to pictures, pairs known: Isola et al. 2017 (arXiv:1611.07004). What is given with an example is the picture
the generator makes it of; restoration is the same, of a damaged copy that is made of the example itself."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from sparring.augment import Augment
from sparring.game import Draw, LossTerm, Parts, Round, Turn
from sparring.games.image_to_image import ImageToImageGAN
from sparring.losses.paired import Distance, distance


class Pix2Pix(ImageToImageGAN):
    """A translation whose answer is known: G is held to it by `l1`.

    Args:
        warm_up: images for which G learns by distances alone, and D not at all.
        vary: changes both pictures of a pair alike, so that few pairs are not learnt by heart (section 6.2 has jitter).
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
        wanted = [distance, *generator_terms]
        drawn = dict(latents or {}) | ({} if vary is None else {"vary": vary.draw})
        super().__init__(*args, latents=drawn, generator_terms=wanted, **options)
        self.warm_up, self.vary = warm_up, vary
        self._warm = [WarmUp(self, [term for term in wanted if isinstance(term, Distance)])]

    def turns(self, seen: int) -> list[Turn]:
        turns = super().turns(seen)
        return list(self._warm) if seen < self.warm_up else turns

    def preprocess_round(self, round: Round) -> Round:
        real, given = round.real, round.condition
        if self.vary is None:
            return round
        u = round.latent["vary"]
        assert isinstance(real, Tensor)
        if given is not None and given.ndim == real.ndim:  # a picture, not a class
            given = self.vary(given, u).clamp(-1, 1)
        return Round(self.vary(real, u).clamp(-1, 1), given, round.latent)


class WarmUp(Turn):
    """G by distances alone: Wang et al. 2018 (arXiv:1809.00219), section 3.3."""

    name, learns = "warm-up", ("G",)

    def __init__(self, game: Pix2Pix, distances: Sequence[Distance]):
        self.game, self.distances = game, distances

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        return {term.name: term(verdict) for term in self.distances}
