"""Data of image-to-image recipes: a validation split, and inputs for the validation and test images."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sparring.data import Dataset, Split
from sparring.data.image.edges import derangement
from sparring.degrade import Degradation
from sparring.errors import UserError, one_line
from sparring.recipes import Recipe

HELD, SHARE = 500, 12
"""At most so many are held out, and at most one of so many."""
TESTED = 1_000
"""Test pictures that are looked at."""
UNPAIRED = ("cyclegan", "cut")
"""Games that need no pairs."""
CLASSED = "stargan"
"""The game whose domains are classes."""
OF_A_CLASS, SCORED = 24, 10
"""Training examples it must have, and pictures held out at least, of all classes together."""


def image_to_image_data(data: Dataset, recipe: Recipe) -> Dataset:
    """The data with a validation split and inputs, or as it is if it has them.

    Raises UserError for data that the recipe can't learn from.
    """
    if data.select is not None:
        return data
    spec = one_line(data.spec)
    if data.modality not in ("image", "pair"):
        raise UserError(f"{recipe.name} makes pictures of pictures, but {spec} is of {data.modality}s")
    if recipe.degradations:
        return replace(_damaged(data, recipe.degradations), leading=recipe.selection_metric)
    if recipe.game.name == CLASSED:
        return _classed(data, recipe.name)
    if data.train.condition is None:
        raise UserError(
            f"{recipe.name} wants two domains, and {spec} holds one: give folders trainA and trainB, "
            "or --direction AtoB for pictures of two side by side"
        )
    blind = recipe.game.name in UNPAIRED
    if data.unpaired and not blind:
        raise UserError(f"{recipe.name} wants pairs: in {spec}, {data.unpaired}")
    train, select = _validation_split(_shuffled(data.train) if blind else data.train)
    told = {"leading": "frechet" if blind else recipe.selection_metric, "fingerprint": _print(data)}
    return replace(data, train=train, select=select, test=data.test[:TESTED], **told)


def _print(data: Dataset, damage: Sequence[str] = ()) -> str:
    """Of its own: what judges keep under a set's fingerprint was fitted to other parts, and is of other pictures."""
    return hashlib.sha256(f"{data.fingerprint}, some held out; {', '.join(damage)}".encode()).hexdigest()[:16]


def _validation_split(train: Split) -> tuple[Split, Split]:
    n = max(2, min(HELD, len(train) // SHARE))
    return train[: len(train) - n], train[len(train) - n :]


def _shuffled(train: Split) -> Split:
    """Nobody beside its partner."""
    assert train.condition is not None
    return replace(train, condition=train.condition[derangement(len(train))])


def _classed(data: Dataset, name: str) -> Dataset:
    """Held-out pictures are each given one of another class, to be moved to theirs."""
    spec, labels = one_line(data.spec), data.train.labels
    if data.modality == "pair":
        raise UserError(f"{name} wants classes, and {spec} is of two domains: take cyclegan, or folders of other names")
    if not data.classes or labels is None:
        told = "attributes" if data.attributes else "no classes"
        raise UserError(f"{name} wants classes, and {spec} has {told}: give a folder a class")
    counts = labels.bincount(minlength=data.classes)
    if (few := int(counts.min())) < OF_A_CLASS:
        which = data.names[int(counts.argmin())]
        raise UserError(f"{name} wants {OF_A_CLASS} training pictures a class, and '{which}' of {spec} has {few}")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    kept = _kept(labels[order])
    train, select = data.train[order[kept]], data.train[order[~kept]]
    told = {"modality": "pair", "unpaired": "nobody knows what a picture of another class would be", "leading": "moved"}
    posed = {"select": _from_others(select), "test": _from_others(data.test[:TESTED]), "fingerprint": _print(data)}
    return replace(data, train=train, **posed, **told)


def _kept(labels: Tensor) -> Tensor:
    """Bool (n,): all but the last of each class, one in twelve, and as many as scores want at least."""
    kept, found = torch.ones(len(labels), dtype=torch.bool), labels.unique()
    for label in found:
        rows = (labels == label).nonzero()[:, 0]
        n = max(2, -(-SCORED // len(found)), min(HELD // len(found), len(rows) // SHARE))
        kept[rows[-n:]] = False
    return kept


def _from_others(part: Split) -> Split:
    """Each with a picture of another class, as far as there are enough of others."""
    assert part.labels is not None
    order = part.labels.argsort(stable=True)
    partners = torch.empty_like(order)
    partners[order] = order.roll(int(part.labels.bincount().max()))
    return replace(part, condition=part.values[partners])


def _damaged(data: Dataset, steps: Sequence[str]) -> Dataset:
    damage = Degradation(steps)
    damage.inputs(data.shape)  # refuses sides that do not divide before anything is made
    train, select = _validation_split(Split(data.train.values, data.train.labels))
    parts = enumerate((select, data.test[:TESTED]))
    made = [Split(part.values, part.labels, *damage.of(part.values, seed)) for seed, part in parts]
    told = {"modality": "pair", "unpaired": "", "fingerprint": _print(data, steps)}
    return replace(data, train=train, select=made[0], test=made[1], **told)
