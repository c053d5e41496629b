"""Two domains of pictures without pairs: Zhu et al. 2017 (arXiv:1703.10593). G goes from A to B, F back; D judges B, C
judges A. Examples are of B, and what is given with each is some picture of A."""

from collections.abc import Mapping

from torch import Tensor, nn

from sparring.game import Game, Parts, Round, Sample, Turn, Verdict, l1_per_example
from sparring.games.fake_history import FakeHistory
from sparring.losses.objectives import Objective
from sparring.priors import uniform


class CycleGAN(Game):
    """
    Args:
        G, F: A → B, and back; D, C: critics of B and of A.
        pools: of each critic's fakes, D's first.
        identity: G leaves pictures of B as they are, F those of A: part `identity`, for domains of as many channels.
    """

    def __init__(
        self,
        players: Mapping[str, nn.Module],
        objective: Objective,
        pools: tuple[FakeHistory, FakeHistory],
        identity: bool = True,
    ):
        super().__init__(players, {}, generators=("G", "F"), averaged=("G",))
        self.pools = nn.ModuleList(pools)
        self._turns: list[Turn] = [CriticsTurn(self, objective), TranslatorsTurn(self, objective, identity)]

    def turns(self, seen: int) -> list[Turn]:
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.condition), self.players["F"](round.real)


class CriticsTurn(Turn):
    name, learns, draws = "critics", ("D", "C"), {"pool_D": uniform(2), "pool_C": uniform(2)}

    def __init__(self, game: CycleGAN, objective: Objective):
        self.game, self.objective = game, objective

    def loss(self, round: Round) -> Parts:
        parts: Parts = {}
        for critic, real, fake, pool in zip(
            "DC", (round.real, round.condition), round.fake, self.game.pools, strict=True
        ):
            assert isinstance(pool, FakeHistory) and isinstance(real, Tensor)
            round.notes |= {critic: fake, f"pool_{critic}": round.latent[f"pool_{critic}"]}
            shown = pool.sample_or_replace(fake, round.latent[f"pool_{critic}"])
            verdict = Verdict(self.game.players[critic], real, shown)
            parts |= {f"{name}_{critic}": part for name, part in self.objective.critic(verdict).items()}
        return parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        for critic, pool in zip("DC", self.game.pools, strict=True):
            assert isinstance(pool, FakeHistory)
            pool.push(notes[critic], notes[f"pool_{critic}"])


class TranslatorsTurn(Turn):
    name, learns = "translators", ("G", "F")

    def __init__(self, game: CycleGAN, objective: Objective, identity: bool):
        self.game, self.objective, self.identity = game, objective, identity

    def loss(self, round: Round) -> Parts:
        G, F, D, C = (self.game.players[name] for name in "GFDC")
        y, x, (made_y, made_x) = round.real, round.condition, round.fake
        assert isinstance(x, Tensor) and isinstance(y, Tensor)
        parts = {
            "fools_D": self.objective.generator(Verdict(D, y, made_y))["generator"],
            "fools_C": self.objective.generator(Verdict(C, x, made_x))["generator"],
            "cycle": l1_per_example(F(made_y), x) + l1_per_example(G(made_x), y),
        }
        return parts | ({"identity": l1_per_example(G(y), y) + l1_per_example(F(x), x)} if self.identity else {})
