"""Unpaired image-to-image translation: Zhu et al. 2017 (arXiv:1703.10593). G maps A to B, F maps B to A; D judges B, C
judges A. Examples are of B, and the condition of each is any image of A."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor, nn

from sparring.errors import lookup
from sparring.errors.bounds import Bounds
from sparring.game import Game, Parts, Round, Sample, Turn, Verdict, l1_per_example
from sparring.games.image_to_image import TranslationOptions
from sparring.games.shared.fake_history import FakeHistory
from sparring.games.shared.options import GameContext, Share
from sparring.losses.objectives import OBJECTIVES, Objective, one_sided_label_smoothing
from sparring.priors import uniform


class CycleGAN(Game):
    """
    Args:
        players: G: A → B, F: B → A, D and C: critics of B and of A.
        pools: past fakes for D and for C.
        identity: adds the loss `identity`, |G(y) − y| + |F(x) − x|; both domains need the same channels.
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
        y, x, (fake_y, fake_x) = round.real, round.condition, round.fake
        assert isinstance(x, Tensor) and isinstance(y, Tensor)
        parts = {
            "fools_D": self.objective.generator(Verdict(D, y, fake_y))["generator"],
            "fools_C": self.objective.generator(Verdict(C, x, fake_x))["generator"],
            "cycle": l1_per_example(F(fake_y), x) + l1_per_example(G(fake_x), y),
        }
        return parts | ({"identity": l1_per_example(G(y), y) + l1_per_example(F(x), x)} if self.identity else {})


@dataclass(frozen=True)
class CycleGANOptions(TranslationOptions):
    objective: str = "least-squares"
    """A name of `sparring.losses.objectives.OBJECTIVES`."""
    smoothing: Share = 0.0
    """One-sided label smoothing: the share by which real examples count as fake."""
    image_pool: Annotated[int, Bounds(1, 1 << 20)] = 50
    """Past fakes that each critic may see in place of new ones."""

    loss_terms: ClassVar = tuple(f"{name}_{D}" for D in "CD" for name in ("real", "fake", "critic", "fools")) + (
        "cycle",
        "identity",
    )

    def build_objective(self) -> Objective:
        objective = lookup(OBJECTIVES, "objective", self.objective)
        return one_sided_label_smoothing(objective, self.smoothing) if self.smoothing else objective

    def build(self, context: GameContext) -> Game:
        shape, other = context.shape, self.input_shape(context)
        players = {
            "G": self.build_generator(context),
            "F": context.build(context.choices["G"], other, inputs=shape[0]),
            "D": context.player("D", inputs=0),
            "C": context.build(context.choices["D"], other, inputs=0),
        }
        pools = FakeHistory(shape, self.image_pool), FakeHistory(other, self.image_pool)
        return CycleGAN(players, self.build_objective(), pools, identity=shape == other)
