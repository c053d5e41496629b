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

_MAX_VALIDATION, _VALIDATION_FRACTION = 500, 12
"""Size of the validation split: at most 500 examples, and at most one in twelve."""
_MAX_TEST = 1_000
"""Test examples, at most."""
_UNPAIRED_GAMES = ("cyclegan", "cut")
"""Games that do not need pairs."""
_CLASS_GAME = "stargan"
"""The game whose domains are classes."""
_MIN_PER_CLASS, _MIN_VALIDATION = 24, 10
"""Training examples per class, and validation examples of all classes together, at least."""


def image_to_image_data(data: Dataset, recipe: Recipe) -> Dataset:
    """The data with a validation split and inputs; unchanged if it has a validation split.

    Raises UserError for data that does not suit the recipe.
    """
    if data.select is not None:
        return data
    spec = one_line(data.spec)
    if data.modality not in ("image", "pair"):
        raise UserError(f"{recipe.name} translates images, but {spec} holds {data.modality}s")
    if recipe.degradations:
        return replace(_degraded(data, recipe.degradations), leading=recipe.selection_metric)
    if recipe.game.name == _CLASS_GAME:
        return _class_domains(data, recipe.name)
    if data.train.condition is None:
        raise UserError(
            f"{recipe.name} needs two domains, and {spec} has one: use folders trainA and trainB, "
            "or --direction AtoB for images with both side by side"
        )
    unpaired = recipe.game.name in _UNPAIRED_GAMES
    if data.unpaired and not unpaired:
        raise UserError(f"{recipe.name} needs pairs: in {spec}, {data.unpaired}")
    train, select = _validation_split(_shuffled(data.train) if unpaired else data.train)
    settings = {"leading": "frechet" if unpaired else recipe.selection_metric, "fingerprint": _fingerprint(data)}
    return replace(data, train=train, select=select, test=data.test[:_MAX_TEST], **settings)


def _fingerprint(data: Dataset, damage: Sequence[str] = ()) -> str:
    """Differs from that of the whole data, whose cached classifiers and baselines are of other splits."""
    return hashlib.sha256(f"{data.fingerprint}, some held out; {', '.join(damage)}".encode()).hexdigest()[:16]


def _validation_split(train: Split) -> tuple[Split, Split]:
    n = max(2, min(_MAX_VALIDATION, len(train) // _VALIDATION_FRACTION))
    return train[: len(train) - n], train[len(train) - n :]


def _shuffled(train: Split) -> Split:
    """No image with its own partner."""
    assert train.condition is not None
    return replace(train, condition=train.condition[derangement(len(train))])


def _class_domains(data: Dataset, name: str) -> Dataset:
    """Data of a game whose domains are classes: the input of a validation or test image is one of another class."""
    spec, labels = one_line(data.spec), data.train.labels
    if data.modality == "pair":
        raise UserError(f"{name} needs classes, and {spec} has two domains: use cyclegan, or rename the folders")
    if not data.classes or labels is None:
        labelled = "attributes" if data.attributes else "no classes"
        raise UserError(f"{name} needs classes, and {spec} has {labelled}: use one folder per class")
    counts = labels.bincount(minlength=data.classes)
    if (few := int(counts.min())) < _MIN_PER_CLASS:
        which = data.names[int(counts.argmin())]
        raise UserError(f"{name} needs {_MIN_PER_CLASS} training images per class, and '{which}' of {spec} has {few}")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    training = _training_mask(labels[order])
    train, select = data.train[order[training]], data.train[order[~training]]
    reason = "images have no counterparts in other classes"
    settings = {"modality": "pair", "unpaired": reason, "leading": "moved"}
    splits = {
        "select": _from_others(select),
        "test": _from_others(data.test[:_MAX_TEST]),
        "fingerprint": _fingerprint(data),
    }
    return replace(data, train=train, **splits, **settings)


def _training_mask(labels: Tensor) -> Tensor:
    """Bool (n,): False for the validation examples, the last of each class."""
    training, classes = torch.ones(len(labels), dtype=torch.bool), labels.unique()
    for label in classes:
        rows = (labels == label).nonzero()[:, 0]
        twelfth = min(_MAX_VALIDATION // len(classes), len(rows) // _VALIDATION_FRACTION)
        training[rows[-max(2, -(-_MIN_VALIDATION // len(classes)), twelfth) :]] = False
    return training


def _from_others(part: Split) -> Split:
    """Each image with an input of another class, while the other classes have enough."""
    assert part.labels is not None
    order = part.labels.argsort(stable=True)
    partners = torch.empty_like(order)
    partners[order] = order.roll(int(part.labels.bincount().max()))
    return replace(part, condition=part.values[partners])


def _degraded(data: Dataset, steps: Sequence[str]) -> Dataset:
    damage = Degradation(steps)
    damage.inputs(data.shape)  # raises UserError for sides that do not divide
    train, select = _validation_split(Split(data.train.values, data.train.labels))
    parts = enumerate((select, data.test[:_MAX_TEST]))
    made = [Split(part.values, part.labels, *damage.of(part.values, seed)) for seed, part in parts]
    settings = {"modality": "pair", "unpaired": "", "fingerprint": _fingerprint(data, steps)}
    return replace(data, train=train, select=made[0], test=made[1], **settings)
