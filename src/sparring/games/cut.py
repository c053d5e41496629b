"""Unpaired one-way translation: Park et al. 2020 (arXiv:2007.15651). A contrastive loss matches each patch of the
output with the patch of the input at the same place, by features of G's encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.errors.bounds import Bounds
from sparring.game import Game, LossTerm, Parts, Round, Turn, l1_per_example
from sparring.games.gan import GeneratorTurn
from sparring.games.image_to_image import ImageToImageGAN, ImageToImageOptions
from sparring.games.shared.options import GameContext
from sparring.losses.auxiliary import nce
from sparring.losses.objectives import Objective, TopK
from sparring.networks.translator import PatchHeads, Translator
from sparring.priors import uniform

IDENTITIES = ("nce_identity", "identity")


class CUT(ImageToImageGAN):
    """
    Args:
        H: projection heads on G's features.
        identities: losses on images y of the target domain: `nce_identity`, the contrastive loss of y and G(y), and
            `identity`, |y − G(y)| as in CycleGAN, which preserves hue and grain, to which features are insensitive.
        flip_equivariance: half the images are mirrored before G, and the features of the output mirrored back (FastCUT:
            appendix, on training).
    """

    def __init__(
        self, G: Translator, D: nn.Module, H: PatchHeads, *args, identities, flip_equivariance=False, **options
    ):
        self.identities = identities
        latents = {"mirror": uniform()} if flip_equivariance else {}
        super().__init__(G, D, *args, latents=latents, shows=False, **options)
        self.players["H"] = H

    def generate(self, round: Round) -> Tensor:
        return self.players["G"](self.flipped(self.input(round), round))

    def flipped(self, x: Tensor, round: Round) -> Tensor:
        """(n, c, h, w), with this round's half of the images mirrored left to right; its own inverse."""
        u = round.latent.get("mirror")
        return x if u is None else torch.where((u < 0.5).view(-1, 1, 1, 1), x.flip(3), x)

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return PatchNCETurn(self, terms, objective)

    def contrast(self, x: Tensor, y: Tensor, places: Tensor, back: Callable[[Tensor], Tensor] = lambda f: f):
        """The contrastive loss of x and its translation y, (n,); `back` maps y's features to the orientation of x."""
        H = self.players["H"]
        queries = H([back(f) for f in self.features(y)], places)
        with torch.no_grad():
            keys = H(self.features(x), places)
        return nce(queries, keys)

    def features(self, x: Tensor) -> list[Tensor]:
        G = self.players["G"]
        assert isinstance(G, Translator)
        return G.features(x)


class PatchNCETurn(GeneratorTurn):
    """G learns to pass for real and, with H, to minimise the contrastive loss."""

    name, learns = "makers", ("G", "H")
    game: CUT

    def __init__(self, game: CUT, terms: Sequence[LossTerm], objective: Objective | TopK):
        super().__init__(game, terms, objective)
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
            losses = {
                "nce_identity": lambda: game.contrast(y, same, places),
                "identity": lambda: l1_per_example(y, same),
            }
            parts |= {name: losses[name]() for name in game.identities}
        return parts


@dataclass(frozen=True)
class CUTOptions(ImageToImageOptions):
    """The losses of `IDENTITIES` are those that the recipe weighs."""

    nce_patches: Annotated[int, Bounds(1, 1 << 20)] = 256
    """Places of an image that the contrastive loss compares."""
    flip_equivariance: bool = False
    """Half the images are mirrored before the generator, and must be translated alike (FastCUT)."""

    loss_terms: ClassVar = (*ImageToImageOptions.loss_terms, "nce", *IDENTITIES)

    def build(self, context: GameContext) -> Game:
        G, D = self.build_generator(context), context.player("D", inputs=0)
        if not isinstance(G, Translator) or G.inputs != context.shape[0]:
            raise UserError(
                "cut reads both domains by one network, a translator: take --channels rgb, or grey, for both"
            )
        identities = [name for name in IDENTITIES if name in context.weights]
        arguments = self.gan_arguments(context, G, D)
        arguments |= {"identities": identities, "flip_equivariance": self.flip_equivariance}
        return CUT(G, D, PatchHeads(G.widths, self.nce_patches), self.build_objective(), **arguments)
