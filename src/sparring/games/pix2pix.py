"""Pictures to pictures, pairs known: Isola et al. 2017 (arXiv:1611.07004). What is given with an example is the picture
the generator makes it of; restoration is the same, of a damaged copy that is made of the example itself."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.damage import Damage
from sparring.game import Parts, Round, Term, Turn, Verdict, Wish
from sparring.games.translation import Translation
from sparring.objectives import apart


def _from_right(verdict: Verdict) -> Tensor:
    assert isinstance(verdict.real, Tensor) and isinstance(verdict.fake, Tensor)
    return apart(verdict.real, verdict.fake)


def _maps_apart(verdict: Verdict) -> Tensor:
    real, fake = verdict.opinion_real.extras, verdict.opinion_fake.extras
    return torch.stack([apart(real[name].detach(), fake[name]) for name in fake]).mean(0)


distance = Term("l1", _from_right)
"""|y − G(x)|, the mean over pixels. Section 3.1, eq. 3, weighed by λ = 100 on the paper's range, [−1, 1]."""

matching = Term("matching", _maps_apart)
"""|D_l(y) − D_l(G(x))|, the mean over the critic's layers. Wang et al. 2018 (arXiv:1711.11585), eq. 4, λ = 10."""


class Pix2Pix(Translation):
    """A translation whose answer is known: G is held to it by `l1`.

    Args:
        warm_up: images for which G learns by `l1` alone, and D not at all.
    """

    def __init__(self, *args, warm_up: int = 0, generator_terms: Sequence[Wish] = (), **options):
        super().__init__(*args, generator_terms=[distance, *generator_terms], **options)
        self.warm_up, self._warm = warm_up, [WarmUp(self)]

    def turns(self, seen: int) -> list[Turn]:
        turns = super().turns(seen)
        return list(self._warm) if seen < self.warm_up else turns


class WarmUp(Turn):
    """G by `l1` alone: Wang et al. 2018 (arXiv:1809.00219), section 3.3."""

    name, learns = "warm-up", ("G",)

    def __init__(self, game: Pix2Pix):
        self.game = game

    def loss(self, round: Round) -> Parts:
        return {distance.name: distance(self.game.verdict(round))}


class Restoration(Pix2Pix):
    """Pix2pix whose input is a damaged copy, made of the example in the round."""

    def __init__(self, *args, damage: Damage, latents=None, **options):
        super().__init__(*args, latents=damage.draws, **options)
        self.damage = damage

    def input(self, round: Round) -> Tensor:
        assert isinstance(round.real, Tensor)
        with torch.autocast(round.real.device.type, enabled=False):  # damage is data, not a network's business
            return self.damage(round.real, round.latent)
