"""Adjustments of a recipe after a divergence. They are part of the configuration, so a run resumes with them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sparring.recipes import RECIPES, Recipe
from sparring.recipes.recipe import FORBID_EXTRA
from sparring.schedules import Number, at, scaled
from sparring.training.loop.settings import loop_settings


@dataclass(frozen=True)
class Adjustment:
    """What was changed, and why."""

    __pydantic_config__ = FORBID_EXTRA
    change: str
    """A name of `ADJUSTMENTS`."""
    alarm: str
    evidence: str
    examples: int
    """Seen when the alarm was raised."""
    resumed_from: int
    """Examples seen at the checkpoint from which the run continued; 0 if it started again."""

    def text(self) -> str:
        where = f"rolled back to {self.resumed_from:,} examples" if self.resumed_from else "started again"
        cause = f"{self.alarm} after {self.examples:,} examples ({self.evidence})"
        return f"{cause}: {where}, with {ADJUSTMENTS[self.change].description}"


@dataclass(frozen=True)
class AdjustmentKind:
    description: str
    apply: Callable[[Recipe], Recipe]
    is_applicable: Callable[[Recipe], bool] = lambda recipe: True
    """Whether it would help this recipe."""


def _default_rates(recipe: Recipe) -> Recipe:
    own = RECIPES[recipe.name]
    return replace(recipe, lr=own.lr, critic_lr=own.critic_lr)


def _has_higher_rates(recipe: Recipe) -> bool:
    """Whether a player's learning rate is above that of the library's recipe of this name."""
    if (own := RECIPES.get(recipe.name)) is None:
        return False
    return any(at(rate, 0) > at(usual, 0) for rate, usual in zip(_rates(recipe), _rates(own), strict=True))


def _rates(recipe: Recipe) -> tuple[Number, Number]:
    """Learning rates of the generator and the critic."""
    return recipe.lr, recipe.lr if recipe.critic_lr is None else recipe.critic_lr


def _scale_rates(recipe: Recipe, factor: float) -> Recipe:
    critic = None if recipe.critic_lr is None else scaled(recipe.critic_lr, factor)
    return replace(recipe, lr=scaled(recipe.lr, factor), critic_lr=critic)


def _slower_critic(recipe: Recipe) -> Recipe:
    return replace(recipe, critic_lr=scaled(_rates(recipe)[1], 1 / 8))


def _stronger_penalties(recipe: Recipe) -> Recipe:
    weights = loop_settings(recipe).weights
    return replace(recipe, weights={**recipe.weights, **{p: scaled(weights.get(p, 1.0), 4) for p in recipe.penalties}})


ADJUSTMENTS: dict[str, AdjustmentKind] = {
    "own rates": AdjustmentKind("the recipe's default learning rates", _default_rates, _has_higher_rates),
    "a little slower": AdjustmentKind("half the learning rates", lambda recipe: _scale_rates(recipe, 1 / 2)),
    "slower": AdjustmentKind("an eighth of the learning rates", lambda recipe: _scale_rates(recipe, 1 / 8)),
    "slower critic": AdjustmentKind("an eighth of the critic's learning rate", _slower_critic),
    "stronger penalties": AdjustmentKind(
        "penalties four times as strong", _stronger_penalties, lambda recipe: bool(recipe.penalties)
    ),
}


def apply_adjustments(recipe: Recipe, adjustments: tuple[Adjustment, ...]) -> Recipe:
    """The recipe after these adjustments. Raises KeyError for an unknown one."""
    for adjustment in adjustments:
        recipe = ADJUSTMENTS[adjustment.change].apply(recipe)
    return recipe
