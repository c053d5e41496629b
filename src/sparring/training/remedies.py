"""What a run can be given that went wrong. Remedies are part of its configuration: it resumes as what it has become."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sparring.recipes import Recipe
from sparring.recipes.base import STRICT
from sparring.training.schedules import Number, scaled


@dataclass(frozen=True)
class Remedy:
    """What was done, and why."""

    __pydantic_config__ = STRICT
    change: str
    """A name of `CHANGES`."""
    alarm: str
    saw: str
    images: int
    """Seen when it was raised."""
    back: int
    """Seen at the checkpoint that the run went on from; 0 if it began anew."""

    def text(self) -> str:
        where = f"back to {self.back:,} images" if self.back else "begun anew"
        return f"{self.alarm} after {self.images:,} images ({self.saw}): {where}, with {CHANGES[self.change].about}"


@dataclass(frozen=True)
class Change:
    about: str
    of: Callable[[Recipe], Recipe]


def _slower(recipe: Recipe) -> Recipe:
    critic = recipe.critic_lr
    return replace(recipe, lr=_less(recipe.lr), critic_lr=None if critic is None else _less(critic))


def _slower_critic(recipe: Recipe) -> Recipe:
    return replace(recipe, critic_lr=_less(recipe.lr if recipe.critic_lr is None else recipe.critic_lr))


def _stronger(recipe: Recipe) -> Recipe:
    weights = recipe.settings().weights
    return replace(recipe, weights={**recipe.weights, **{p: scaled(weights.get(p, 1.0), 4) for p in recipe.penalties}})


def _less(lr: Number) -> Number:
    return scaled(lr, 1 / 8)


CHANGES: dict[str, Change] = {
    "slower": Change("an eighth of the rates", _slower),
    "slower critic": Change("an eighth of the critic's rate", _slower_critic),
    "stronger penalties": Change("penalties four times as strong", _stronger),
}


def remedied(recipe: Recipe, remedies: tuple[Remedy, ...]) -> Recipe:
    """The recipe as it is played after these. Raises KeyError for one that is not there."""
    for remedy in remedies:
        recipe = CHANGES[remedy.change].of(recipe)
    return recipe
