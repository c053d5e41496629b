"""Data as a recipe for pictures of pictures has it: some held out of training to choose weights by, and what the
held-out and the test pictures are made of."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sparring.damage import Damage
from sparring.data import Data, Examples
from sparring.data.edges import others
from sparring.errors import UserError, one_line
from sparring.recipes import Recipe

HELD, SHARE = 500, 12
"""At most so many are held out, and at most one of so many."""
TESTED = 1_000
"""Test pictures that are looked at."""
UNPAIRED = ("cyclegan", "cut")
"""Games that need no pairs."""


def posed(data: Data, recipe: Recipe) -> Data:
    """As it is for any other recipe, and if it is posed already. Raises UserError for data that the recipe can't learn
    from."""
    if not recipe.translates or data.select is not None:
        return data
    spec = one_line(data.spec)
    if data.medium not in ("image", "pair"):
        raise UserError(f"{recipe.name} makes pictures of pictures, but {spec} is of {data.medium}s")
    if recipe.damage:
        return _damaged(data, recipe.damage)
    if data.train.given is None:
        raise UserError(
            f"{recipe.name} wants two domains, and {spec} holds one: give folders trainA and trainB, "
            "or --direction AtoB for pictures of two side by side"
        )
    blind = recipe.plays in UNPAIRED
    if data.unpaired and not blind:
        raise UserError(f"{recipe.name} wants pairs: in {spec}, {data.unpaired}")
    train, select = _held_out(_shuffled(data.train) if blind else data.train)
    told = {"leading": "frechet" if blind else "", "fingerprint": _print(data)}
    return replace(data, train=train, select=select, test=data.test[:TESTED], **told)


def _print(data: Data, damage: Sequence[str] = ()) -> str:
    """Of its own: what judges keep under a set's fingerprint was fitted to other parts, and is of other pictures."""
    return hashlib.sha256(f"{data.fingerprint}, some held out; {', '.join(damage)}".encode()).hexdigest()[:16]


def _held_out(train: Examples) -> tuple[Examples, Examples]:
    n = max(2, min(HELD, len(train) // SHARE))
    return train[: len(train) - n], train[len(train) - n :]


def _shuffled(train: Examples) -> Examples:
    """Nobody beside its partner."""
    assert train.given is not None
    return replace(train, given=train.given[others(len(train))])


def _damaged(data: Data, steps: Sequence[str]) -> Data:
    damage = Damage(steps)
    damage.inputs(data.shape)  # refuses sides that do not divide before anything is made
    train, select = _held_out(Examples(data.train.values, data.train.labels))
    made = [_with_damage(part, damage, seed) for seed, part in enumerate((select, data.test[:TESTED]))]
    told = {"medium": "pair", "unpaired": "", "fingerprint": _print(data, steps)}
    return replace(data, train=train, select=made[0], test=made[1], **told)


def _with_damage(part: Examples, damage: Damage, seed: int) -> Examples:
    return Examples(part.values, part.labels, *damage.of(part.values, seed))
