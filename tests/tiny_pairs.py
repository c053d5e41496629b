"""Tiny games whose samples are pairs."""

import torch
from tiny_players import X, Z, mlp, noise
from torch import Tensor
from torch.nn.functional import softplus

from sparring.game import Game, Round, Turn, Verdict, per_example
from sparring.losses.objectives import least_squares, non_saturating
from sparring.losses.penalties import r1
from sparring.priors import uniform


class ALI(Game):
    """Dumoulin et al. 2017 (arXiv:1606.00704): pairs (x, E(x)) against (G(z), z); both makers learn, on both sides."""

    def __init__(self, norm: bool):
        players = {"G": mlp(Z, X, norm), "E": mlp(X, Z, norm), "D": mlp(X + Z, 1, spectral=True)}
        super().__init__(players, {"z": noise(Z)}, averaged=("G", "E"))

    def generate(self, round: Round):
        return self.players["G"](round.latent["z"])

    def turns(self, seen):
        return [PairCritic(self), PairMakers(self)]

    def verdict(self, round: Round) -> Verdict:
        D, E = self.players["D"], self.players["E"]
        assert isinstance(round.real, Tensor) and isinstance(round.fake, Tensor)
        return Verdict(lambda pair: D(torch.cat(pair, 1)), (round.real, E(round.real)), (round.fake, round.latent["z"]))


class PairCritic(Turn):
    name, learns = "critic", ("D",)

    def __init__(self, game: ALI):
        self.game = game

    def loss(self, round):
        verdict = self.game.verdict(round)
        return {"r1": r1(verdict)} | non_saturating.critic(verdict)


class PairMakers(Turn):
    name, learns = "makers", ("G", "E")

    def __init__(self, game: ALI):
        self.game = game

    def loss(self, round):
        verdict = self.game.verdict(round)
        return {"decode": per_example(softplus(-verdict.on_fake)), "encode": per_example(softplus(verdict.on_real))}


class CycleGAN(Game):
    """Zhu et al. 2017 (arXiv:1703.10593): four players, two turns, a pool of past fakes for each critic."""

    pools: Tensor

    def __init__(self, norm: bool):
        players = {"AB": mlp(X, X, norm), "BA": mlp(X, X, norm), "DA": mlp(X, 1, spectral=True), "DB": mlp(X, 1)}
        super().__init__(players, {}, generators=("AB", "BA"), averaged=("AB", "BA"))
        g = torch.Generator().manual_seed(3)
        self.register_buffer("pools", torch.randn(2, 5, X, generator=g))

    def generate(self, round):
        a, b = round.real
        return self.players["BA"](b), self.players["AB"](a)

    def turns(self, seen):
        return [PooledCritics(self), Translators(self)]


class PooledCritics(Turn):
    name, learns = "critics", ("DA", "DB")
    draws = {"swap": uniform(), "slot": uniform()}

    def __init__(self, game: CycleGAN):
        self.game = game

    def loss(self, round):
        swap, slot = round.latent["swap"] < 0.5, (round.latent["slot"] * 5).long()
        parts = {}
        for k, side in enumerate("AB"):
            fake = round.fake[k]
            round.notes[side] = fake
            shown = torch.where(swap[:, None], self.game.pools[k][slot], fake)
            verdict = Verdict(self.game.players[f"D{side}"], round.real[k], shown)
            parts |= {f"{part}_{side}": value for part, value in least_squares.critic(verdict).items()}
        round.notes |= {"swap": swap, "slot": slot}
        return parts

    def after(self, notes):
        for i in notes["swap"].nonzero().flatten():
            for k, side in enumerate("AB"):
                self.game.pools[k, notes["slot"][i]] = notes[side][i]


class Translators(Turn):
    name, learns = "translators", ("AB", "BA")

    def __init__(self, game: CycleGAN):
        self.game = game

    def loss(self, round):
        players, (a, b), (fake_a, fake_b) = self.game.players, round.real, round.fake
        return {
            "fool_a": least_squares.generator(Verdict(players["DA"], a, fake_a))["generator"],
            "fool_b": least_squares.generator(Verdict(players["DB"], b, fake_b))["generator"],
            "cycle": per_example((players["BA"](fake_b) - a).abs() + (players["AB"](fake_a) - b).abs()),
        }
