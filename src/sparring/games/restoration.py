"""Restoration: pix2pix whose input is a degraded copy of the example itself."""

from torch import Tensor

from sparring.degrade import Degradation
from sparring.game import Round
from sparring.games.pix2pix import Pix2Pix


class Restoration(Pix2Pix):
    """Pix2pix whose input is a damaged copy, made of the example when the round is opened."""

    def __init__(self, *args, damage: Degradation, **options):
        super().__init__(*args, latents=damage.draws, **options)
        self.damage = damage

    def preprocess_round(self, round: Round) -> Round:
        round = super().preprocess_round(round)
        assert isinstance(round.real, Tensor)
        return Round(round.real, self.damage(round.real, round.latent), round.latent)
