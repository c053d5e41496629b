"""Two domains of pictures without pairs: Zhu et al. 2017 (arXiv:1703.10593). G goes from A to B, F back; D judges B, C
judges A. Examples are of B, and what is given with each is some picture of A."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparring.game import Game, Parts, Round, Sample, Turn, Verdict
from sparring.objectives import Objective, per_example


class Pool(nn.Module):
    """Fakes of the past, shown to a critic in place of every other new one: Shrivastava et al. 2017 (arXiv:1612.07828),
    section 2.3; section 4 of Zhu et al."""

    images: Tensor
    held: Tensor

    def __init__(self, shape: tuple[int, ...], size: int = 50):
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("held", torch.zeros((), dtype=torch.long))

    def shown(self, fake: Tensor, u: Tensor) -> Tensor:
        """For each of (n, …) itself, or one of the pool if u (n, 2) says so and the pool is full."""
        swap = (u[:, 0] < 0.5) & (self.held >= self.size)
        past = self.images[(u[:, 1] * self.size).long()].to(fake)
        return torch.where(swap.view(-1, *[1] * (fake.dim() - 1)), past, fake)

    def take(self, fakes: Tensor, u: Tensor) -> None:
        """What was shown goes, the new ones come in its place."""
        for fake, (chance, place) in zip(fakes, u.tolist(), strict=True):
            full = int(self.held) >= self.size
            if not full or chance < 0.5:
                self.images[int(place * self.size) if full else int(self.held)] = fake
            self.held += not full


def pair(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n, 2) from U[0, 1)."""
    return torch.rand(n, 2, generator=generator, device=generator.device)


class CycleGAN(Game):
    """
    Args:
        G, F: A → B, and back; D, C: critics of B and of A.
        pools: of each critic's fakes, D's first.
        identity: G leaves pictures of B as they are, F those of A: part `identity`, for domains of as many channels.
    """

    def __init__(
        self, players: Mapping[str, nn.Module], objective: Objective, pools: tuple[Pool, Pool], identity: bool = True
    ):
        super().__init__(players, {}, makers=("G", "F"), keeps=("G",))
        self.pools = nn.ModuleList(pools)
        self._turns: list[Turn] = [Critics(self, objective), Translators(self, objective, identity)]

    def turns(self, seen: int) -> list[Turn]:
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.given), self.players["F"](round.real)


class Critics(Turn):
    name, learns, draws = "critics", ("D", "C"), {"pool_D": pair, "pool_C": pair}

    def __init__(self, game: CycleGAN, objective: Objective):
        self.game, self.objective = game, objective

    def loss(self, round: Round) -> Parts:
        parts: Parts = {}
        for critic, real, fake, pool in zip("DC", (round.real, round.given), round.fake, self.game.pools, strict=True):
            assert isinstance(pool, Pool) and isinstance(real, Tensor)
            round.notes |= {critic: fake, f"pool_{critic}": round.latent[f"pool_{critic}"]}
            shown = pool.shown(fake, round.latent[f"pool_{critic}"])
            verdict = Verdict(self.game.players[critic], real, shown)
            parts |= {f"{name}_{critic}": part for name, part in self.objective.critic(verdict).items()}
        return parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        for critic, pool in zip("DC", self.game.pools, strict=True):
            assert isinstance(pool, Pool)
            pool.take(notes[critic], notes[f"pool_{critic}"])


class Translators(Turn):
    name, learns = "translators", ("G", "F")

    def __init__(self, game: CycleGAN, objective: Objective, identity: bool):
        self.game, self.objective, self.identity = game, objective, identity

    def loss(self, round: Round) -> Parts:
        G, F, D, C = (self.game.players[name] for name in "GFDC")
        y, x, (made_y, made_x) = round.real, round.given, round.fake
        assert isinstance(x, Tensor) and isinstance(y, Tensor)
        parts = {
            "fools_D": self.objective.generator(Verdict(D, y, made_y))["generator"],
            "fools_C": self.objective.generator(Verdict(C, x, made_x))["generator"],
            "cycle": _apart(F(made_y), x) + _apart(G(made_x), y),
        }
        return parts | ({"identity": _apart(G(y), y) + _apart(F(x), x)} if self.identity else {})


def _apart(a: Tensor, b: Tensor) -> Tensor:
    return per_example((a - b).abs())
