"""Two domains of pictures without pairs, one way: Park et al. 2020 (arXiv:2007.15651). What G makes of a picture is to
be known again place by place, among other places of the same picture, by features of G's own way down."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.game import Parts, Round, Turn, Wish
from sparring.games.gan import GeneratorTurn
from sparring.games.translation import Translation
from sparring.networks.translator import PatchHeads, Translator
from sparring.objectives import Objective, TopK

TAU = 0.07


def nce(queries: Sequence[Tensor], keys: Sequence[Tensor]) -> Tensor:
    """Of directions (n, k, d), a pair of tensors a layer: −log of the softmax, over the k places of the same picture,
    of ⟨query, key⟩ / τ at the query's own place, (n,); the mean over places and layers. Section 3, eq. 2 and 3."""
    found = []
    for q, k in zip(queries, keys, strict=True):
        logits = q @ k.transpose(1, 2) / TAU  # (n, k, k)
        own = torch.arange(logits.shape[1], device=q.device).expand(len(q), -1)
        found.append(cross_entropy(logits.transpose(1, 2), own, reduction="none").mean(1))
    return torch.stack(found).mean(0)


class CUT(Translation):
    """
    Args:
        H: heads that read G's features.
        places: looked at in every layer of each picture.
        identity: the same of what G makes of the target domain's own pictures, part `nce_identity`.
    """

    def __init__(self, G: Translator, D: nn.Module, H: PatchHeads, *args, places: int, identity: bool, **options):
        self.places, self.identity = places, identity
        super().__init__(G, D, *args, shows=False, **options)
        self.players["H"] = H

    def answer(self, objective: Objective | TopK, terms: Sequence[Wish]) -> Turn:
        return Contrasting(self, objective, terms)

    def contrast(self, x: Tensor, made: Tensor, places: Tensor) -> Tensor:
        """(n,): how hard the places of x are to find again in what was made of it."""
        G, H = self.players["G"], self.players["H"]
        assert isinstance(G, Translator)
        queries, keys = H(G.features(made), places), H(G.features(x), places)
        return nce(queries, [key.detach() for key in keys])


class Contrasting(GeneratorTurn):
    """G learns to pass for real while its pictures show what they were made of; H learns to tell."""

    name, learns = "makers", ("G", "H")
    game: CUT

    def __init__(self, game: CUT, objective: Objective | TopK, terms: Sequence[Wish]):
        super().__init__(game, objective, terms)
        self.draws = {**self.draws, "places": self._places}

    def _places(self, n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        G = self.game.players["G"]
        assert isinstance(G, Translator)
        return torch.rand(n, len(G.widths), self.game.places, generator=generator, device=generator.device)

    def loss(self, round: Round) -> Parts:
        x, y, places = self.game.input(round), round.real, round.latent["places"]
        assert isinstance(round.fake, Tensor) and isinstance(y, Tensor)
        parts = super().loss(round) | {"nce": self.game.contrast(x, round.fake, places)}
        if self.game.identity:
            parts["nce_identity"] = self.game.contrast(y, self.game.players["G"](y), places)
        return parts
