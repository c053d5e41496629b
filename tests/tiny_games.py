"""Tiny games of the hardest kinds, to prove that the vocabulary carries them and that the loop needs no branch."""

import torch
from tiny_pairs import ALI, CycleGAN
from tiny_players import CLASSES, X, Z, mlp, noise
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from sparring.game import CriticOutput, Game, Turn, Verdict
from sparring.games.gan import GAN, CriticTurn, GeneratorTurn
from sparring.games.shared.critic_input import CriticInput
from sparring.losses.objectives import non_saturating, wasserstein
from sparring.losses.penalties import lipschitz, r1
from sparring.vjp import value_and_vjp


def wgan_gp(norm: bool) -> Game:
    """Five fresh critic turns, and a penalty at a random point between real and fake."""
    return GAN(mlp(Z, X, norm), mlp(X, 1), wasserstein, [lipschitz], latents={"z": noise(Z)}, critic_steps=5)


def lazy_r1(norm: bool) -> Game:
    D = mlp(X, 1, spectral=True)
    fading = lambda seen: 0.1 / (1 + seen)  # noqa: E731  instance noise, a schedule the game itself follows
    return GAN(
        mlp(Z, X, norm),
        D,
        non_saturating,
        [r1],
        latents={"z": noise(Z)},
        penalty_every=4,
        critic_input=CriticInput(fading),
    )


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.logit, self.code = mlp(X, 6, spectral=True), nn.Linear(6, 1), nn.Linear(6, CLASSES + 1)

    def forward(self, x):
        h = self.body(x).tanh()
        return CriticOutput(self.logit(h), {"code": self.code(h)})


class InfoGAN(GAN):
    """Chen et al. 2016 (arXiv:1606.03657): a class and a number in the latent, told back by a head of the critic."""

    def __init__(self, norm: bool):
        latents = {
            "z": noise(Z),
            "number": noise(1),
            "class": lambda n, _, g: torch.randint(CLASSES, (n,), generator=g),
        }
        super().__init__(mlp(Z + CLASSES + 1, X, norm), Heads(), non_saturating, latents=latents)
        critic, generator = self._turns
        assert isinstance(critic, CriticTurn) and isinstance(generator, GeneratorTurn)
        self._turns = [Telling(critic), Telling(generator)]

    def generate(self, round):
        classes = one_hot(round.latent["class"], CLASSES).double()
        return self.players["G"](torch.cat([round.latent["z"], classes, round.latent["number"]], 1))


class Telling(Turn):
    """A turn with one part more: the code, read off the fake."""

    def __init__(self, turn: CriticTurn | GeneratorTurn):
        self.turn, self.name, self.learns = turn, turn.name, turn.learns

    def loss(self, round):
        code = self.turn.game.verdict(round).output_fake.extras["code"]
        told = cross_entropy(code[:, :CLASSES], round.latent["class"], reduction="none")
        off = (code[:, CLASSES:] - round.latent["number"]).square().mean(1)
        return self.turn.loss(round) | {"class": told, "number": off}


class PathLength(GAN):
    """Karras et al. 2020 (arXiv:1912.04958), eq. 4: ‖Jᵀy‖ pulled towards its own running mean, every other round."""

    length: Tensor

    def __init__(self, norm: bool):
        D = mlp(X, 1, spectral=True)
        super().__init__(mlp(Z, X, norm), D, non_saturating, latents={"z": noise(Z)})
        self.register_buffer("length", torch.zeros(()))
        self._turns.append(Lengths(self))


class Lengths(Turn):
    name, learns, every, uses_fake = "path", ("G",), 2, False
    draws = {"y": noise(X)}

    def __init__(self, game: PathLength):
        self.game = game

    def loss(self, round):
        _, _, slope = value_and_vjp(lambda z: (self.game.players["G"](z), {}), round.latent["z"], round.latent["y"])
        lengths = slope.square().sum(1).sqrt()
        round.notes["length"] = lengths
        return {"path": (lengths - self.game.length).square()}

    def after(self, notes):
        self.game.length.lerp_(notes["length"].mean(), 0.1)


class Sampler(nn.Module):
    """x = μ + e^s ⊙ z, whose likelihood is known."""

    def __init__(self):
        super().__init__()
        self.mu, self.s = nn.Parameter(torch.zeros(X)), nn.Parameter(torch.zeros(X))

    def forward(self, z):
        return self.mu + self.s.exp() * z

    def nll(self, x):
        return (self.s + ((x - self.mu) / self.s.exp()).square() / 2).sum(1)


class WarmUp(GAN):
    """Maximum likelihood for the first six rounds, the game after."""

    def __init__(self, norm: bool):
        D = mlp(X, 1, spectral=True)
        super().__init__(Sampler(), D, non_saturating, [r1], latents={"z": noise(X)})
        self.likelihood = Likelihood(self)

    def turns(self, seen):
        return [self.likelihood] if seen < 6 * BATCH else self._turns


class Likelihood(Turn):
    name, learns, uses_fake = "likelihood", ("G",), False

    def __init__(self, game: WarmUp):
        self.game = game

    def loss(self, round):
        return {"nll": self.game.players["G"].nll(round.real)}


class Packed(GAN):
    """Rows on a condition, judged in packs of two: Lin et al. 2018 (arXiv:1712.04086); Xu et al. 2019."""

    def __init__(self, norm: bool):
        G, D = mlp(Z + CLASSES, X, norm), mlp(2 * (X + CLASSES), 1)
        super().__init__(G, D, wasserstein, [lipschitz], latents={"z": noise(Z)})
        for turn in self._turns:
            turn.group_size = 2

    def generate(self, round):
        return self.players["G"](torch.cat([round.latent["z"], one_hot(round.condition, CLASSES).double()], 1))

    def verdict(self, round):
        def pack(x):
            return torch.cat([x, one_hot(round.condition, CLASSES).double()], 1).view(len(x) // 2, -1)

        one_a_pack = {name: x[::2] for name, x in round.latent.items()}
        return Verdict(self.critic(round), pack(round.real), pack(round.fake), one_a_pack)


class Growing(GAN):
    """Karras et al. 2018 (arXiv:1710.10196): half the resolution first, then faded in; players built whole."""

    alpha: Tensor

    def __init__(self, norm: bool):
        G = nn.ModuleDict({"low": mlp(Z, X // 2, norm), "high": mlp(Z, X, norm)})
        super().__init__(G, mlp(X, 1, spectral=True), non_saturating, [r1], latents={"z": noise(Z)})
        self.register_buffer("alpha", torch.zeros(()))

    def turns(self, seen):
        self.alpha.fill_(min(max(seen / (10 * BATCH) - 0.5, 0), 1))
        return self._turns

    def generate(self, round):
        G, z = self.players["G"], round.latent["z"]
        assert isinstance(G, nn.ModuleDict)
        return torch.lerp(G["low"](z).repeat_interleave(2, 1), G["high"](z), self.alpha)

    def verdict(self, round):
        low = round.real.unflatten(1, (-1, 2)).mean(2).repeat_interleave(2, 1)
        return Verdict(self.critic(round), torch.lerp(low, round.real, self.alpha), round.fake)


BATCH = 16
GAMES = {
    "wgan-gp": wgan_gp,
    "lazy-r1": lazy_r1,
    "ali": ALI,
    "infogan": InfoGAN,
    "cyclegan": CycleGAN,
    "path-length": PathLength,
    "warm-up": WarmUp,
    "packed": Packed,
    "growing": Growing,
}
