"""Tiny games of the hardest kinds, to prove that the vocabulary carries them and that the loop needs no branch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, softplus

from sparring.draws import uniform
from sparring.game import Game, Opinion, Round, Turn, Verdict, pullback
from sparring.games.gan import GAN, CriticTurn, GeneratorTurn
from sparring.games.sight import Sight
from sparring.networks.layers import spectral_norm
from sparring.objectives import hinge, least_squares, non_saturating, per_example, wasserstein
from sparring.penalties import lipschitz, r1

X, Z, CLASSES = 8, 4, 3


def mlp(inputs: int, outputs: int, norm: bool = False, spectral: bool = False) -> nn.Sequential:
    first, last = nn.Linear(inputs, 12), nn.Linear(12, outputs)
    if spectral:
        first, last = spectral_norm(first), spectral_norm(last)
    return nn.Sequential(first, nn.BatchNorm1d(12) if norm else nn.Identity(), nn.Tanh(), last)


class Rows:
    """48 examples in float64: (x, class), or a pair of unpaired domains."""

    def __init__(self, domains: int = 1):
        g = torch.Generator().manual_seed(7)
        self.x = torch.randn(48, X, generator=g, dtype=torch.float64)
        self.y = torch.randint(CLASSES, (48,), generator=g)
        self.domains = domains

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: Tensor):
        real = self.x[i] if self.domains == 1 else (self.x[i], self.x[(7 * i + 3) % 48] * 2)
        return real, self.y[i]


def noise(*shape: int):
    return lambda n, _, g: torch.randn(n, *shape, generator=g, dtype=torch.float64)


def wgan_gp(norm: bool) -> Game:
    """Five fresh critic turns, and a penalty at a random point between real and fake."""
    return GAN(mlp(Z, X, norm), mlp(X, 1), wasserstein, [lipschitz], latents={"z": noise(Z)}, critic_steps=5)


def lazy_r1(norm: bool) -> Game:
    D = mlp(X, 1, spectral=True)
    fading = lambda seen: 0.1 / (1 + seen)  # noqa: E731  instance noise, a schedule the game itself follows
    return GAN(mlp(Z, X, norm), D, non_saturating, [r1], latents={"z": noise(Z)}, penalty_every=4, sight=Sight(fading))


def private(norm: bool) -> Game:
    """Played with per-example gradients of the real term (`test_vocabulary` hands the loop `Private`)."""
    return GAN(mlp(Z, X, norm), mlp(X, 1, spectral=True), hinge, latents={"z": noise(Z)})


class ALI(Game):
    """Dumoulin et al. 2017 (arXiv:1606.00704): pairs (x, E(x)) against (G(z), z); both makers learn, on both sides."""

    def __init__(self, norm: bool):
        players = {"G": mlp(Z, X, norm), "E": mlp(X, Z, norm), "D": mlp(X + Z, 1, spectral=True)}
        super().__init__(players, {"z": noise(Z)}, keeps=("G", "E"))

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


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.logit, self.code = mlp(X, 6, spectral=True), nn.Linear(6, 1), nn.Linear(6, CLASSES + 1)

    def forward(self, x):
        h = self.body(x).tanh()
        return Opinion(self.logit(h), {"code": self.code(h)})


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
        code = self.turn.game.verdict(round).opinion_fake.extras["code"]
        told = cross_entropy(code[:, :CLASSES], round.latent["class"], reduction="none")
        off = (code[:, CLASSES:] - round.latent["number"]).square().mean(1)
        return self.turn.loss(round) | {"class": told, "number": off}


class CycleGAN(Game):
    """Zhu et al. 2017 (arXiv:1703.10593): four players, two turns, a pool of past fakes for each critic."""

    pools: Tensor

    def __init__(self, norm: bool):
        players = {"AB": mlp(X, X, norm), "BA": mlp(X, X, norm), "DA": mlp(X, 1, spectral=True), "DB": mlp(X, 1)}
        super().__init__(players, {}, makers=("AB", "BA"), keeps=("AB", "BA"))
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
        _, _, slope = pullback(lambda z: (self.game.players["G"](z), {}), round.latent["z"], round.latent["y"])
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
            turn.group = 2

    def generate(self, round):
        return self.players["G"](torch.cat([round.latent["z"], one_hot(round.given, CLASSES).double()], 1))

    def verdict(self, round):
        def pack(x):
            return torch.cat([x, one_hot(round.given, CLASSES).double()], 1).view(len(x) // 2, -1)

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
    "private": private,
}
