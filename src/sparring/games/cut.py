"""Two domains of pictures without pairs, one way: Park et al. 2020 (arXiv:2007.15651). What G makes of a picture is to
be known again place by place, among other places of the same picture, by features of G's own way down."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from sparring.game import LossTerm, Parts, Round, Turn, l1_per_example
from sparring.games.gan import GeneratorTurn
from sparring.games.image_to_image import ImageToImageGAN
from sparring.losses.auxiliary import nce
from sparring.losses.objectives import Objective, TopK
from sparring.networks.translator import PatchHeads, Translator
from sparring.priors import uniform

IDENTITIES = ("nce_identity", "identity")


class CUT(ImageToImageGAN):
    """
    Args:
        H: heads that read G's features.
        identities: parts that hold G to the target domain's own pictures y: `nce_identity`, the same of what it makes
            of them, and `identity`, |y − G(y)|, as CycleGAN has it, for what features know again may have another hue,
            and a grain.
        mirrors: half the pictures are mirrored before G, and the features of what it makes of them mirrored back, so
            that G has to treat both alike (FastCUT's flip equivariance: appendix, on training).
    """

    def __init__(self, G: Translator, D: nn.Module, H: PatchHeads, *args, identities, mirrors=False, **options):
        self.identities = identities
        super().__init__(G, D, *args, latents={"mirror": uniform()} if mirrors else {}, shows=False, **options)
        self.players["H"] = H

    def generate(self, round: Round) -> Tensor:
        return self.players["G"](self.flipped(self.input(round), round))

    def flipped(self, x: Tensor, round: Round) -> Tensor:
        """(n, c, h, w), those that are mirrored in this round left to right: there, and back again."""
        u = round.latent.get("mirror")
        return x if u is None else torch.where((u < 0.5).view(-1, 1, 1, 1), x.flip(3), x)

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return PatchNCETurn(self, objective, terms)

    def contrast(self, x: Tensor, made: Tensor, places: Tensor, back: Callable[[Tensor], Tensor] = lambda f: f):
        """(n,): how hard the places of x are to find again in what was made of it, its features turned back."""
        H = self.players["H"]
        queries = H([back(f) for f in self.features(made)], places)
        with torch.no_grad():
            keys = H(self.features(x), places)
        return nce(queries, keys)

    def features(self, x: Tensor) -> list[Tensor]:
        G = self.players["G"]
        assert isinstance(G, Translator)
        return G.features(x)


class PatchNCETurn(GeneratorTurn):
    """G learns to pass for real while its pictures show what they were made of; H learns to tell."""

    name, learns = "makers", ("G", "H")
    game: CUT

    def __init__(self, game: CUT, objective: Objective | TopK, terms: Sequence[LossTerm]):
        super().__init__(game, objective, terms)
        self.draws = {**self.draws, "places": self._places}

    def _places(self, n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        G = self.game.players["G"]
        assert isinstance(G, Translator)
        return uniform(len(G.widths), prod(shape[1:]))(n, shape, generator)

    def loss(self, round: Round) -> Parts:
        game, y, places = self.game, round.real, round.latent["places"]
        assert isinstance(round.fake, Tensor) and isinstance(y, Tensor)
        parts, back = super().loss(round), partial(game.flipped, round=round)
        parts["nce"] = game.contrast(game.input(round), round.fake, places, back)
        if game.identities:
            same = game.players["G"](y)
            told = {"nce_identity": lambda: game.contrast(y, same, places), "identity": lambda: l1_per_example(y, same)}
            parts |= {name: told[name]() for name in game.identities}
        return parts
