"""What a run can be given that went wrong. Remedies are part of its configuration: it resumes as what it has become."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sparring.recipes import RECIPES, Recipe
from sparring.recipes.recipe import FORBID_EXTRA
from sparring.schedules import Number, at, scaled
from sparring.training.loop.settings import loop_settings


@dataclass(frozen=True)
class Adjustment:
    """What was done, and why."""

    __pydantic_config__ = FORBID_EXTRA
    change: str
    """A name of `CHANGES`."""
    alarm: str
    evidence: str
    examples: int
    """Seen when it was raised."""
    resumed_from: int
    """Seen at the checkpoint that the run went on from; 0 if it began anew."""

    def text(self) -> str:
        where = f"rolled back to {self.resumed_from:,} examples" if self.resumed_from else "started again"
        cause = f"{self.alarm} after {self.examples:,} examples ({self.evidence})"
        return f"{cause}: {where}, with {ADJUSTMENTS[self.change].description}"


@dataclass(frozen=True)
class AdjustmentKind:
    description: str
    apply: Callable[[Recipe], Recipe]
    is_applicable: Callable[[Recipe], bool] = lambda recipe: True
    """Whether it would change anything for the better about this recipe."""


def _own(recipe: Recipe) -> Recipe:
    own = RECIPES[recipe.name]
    return replace(recipe, lr=own.lr, critic_lr=own.critic_lr)


def _hurried(recipe: Recipe) -> bool:
    """Whether a player's rate is above that with which the library's recipe of this name comes."""
    if (own := RECIPES.get(recipe.name)) is None:
        return False
    return any(at(rate, 0) > at(usual, 0) for rate, usual in zip(_rates(recipe), _rates(own), strict=True))


def _rates(recipe: Recipe) -> tuple[Number, Number]:
    """The generator's and the critic's."""
    return recipe.lr, recipe.lr if recipe.critic_lr is None else recipe.critic_lr


def _slowed(recipe: Recipe, factor: float) -> Recipe:
    critic = None if recipe.critic_lr is None else scaled(recipe.critic_lr, factor)
    return replace(recipe, lr=scaled(recipe.lr, factor), critic_lr=critic)


def _slower_critic(recipe: Recipe) -> Recipe:
    return replace(recipe, critic_lr=scaled(_rates(recipe)[1], 1 / 8))


def _stronger(recipe: Recipe) -> Recipe:
    weights = loop_settings(recipe).weights
    return replace(recipe, weights={**recipe.weights, **{p: scaled(weights.get(p, 1.0), 4) for p in recipe.penalties}})


ADJUSTMENTS: dict[str, AdjustmentKind] = {
    "own rates": AdjustmentKind("the rates that the recipe comes with", _own, _hurried),
    "a little slower": AdjustmentKind("half the rates", lambda recipe: _slowed(recipe, 1 / 2)),
    "slower": AdjustmentKind("an eighth of the rates", lambda recipe: _slowed(recipe, 1 / 8)),
    "slower critic": AdjustmentKind("an eighth of the critic's rate", _slower_critic),
    "stronger penalties": AdjustmentKind(
        "penalties four times as strong", _stronger, lambda recipe: bool(recipe.penalties)
    ),
}


def apply_adjustments(recipe: Recipe, remedies: tuple[Adjustment, ...]) -> Recipe:
    """The recipe as it is played after these. Raises KeyError for one that is not there."""
    for remedy in remedies:
        recipe = ADJUSTMENTS[remedy.change].apply(recipe)
    return recipe
