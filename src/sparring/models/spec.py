"""`model.json`: what a model is made of, in names of the library's own entries and bounded numbers, never code."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sparring.data.facts import PLAIN
from sparring.errors import UserError, one_line, shorten
from sparring.modalities.registry import MODALITIES
from sparring.recipes import Recipe
from sparring.recipes.recipe import FORBID_EXTRA, Shape
from sparring.recipes.upgrade import recipe_from_v1
from sparring.storage.atomic import from_json

FORMAT = 2
"""Of model.json."""
LARGEST = 1 << 20
"""No number that networks are made by may exceed this."""
LARGEST_SAMPLE = 1 << 28
"""Nor the numbers of one sample this."""
SIZES = ("z", "categories", "codes")
"""Fields of a recipe by which tensors are made."""


@dataclass(frozen=True)
class ModelSpec:
    """What `model.json` says."""

    __pydantic_config__ = FORBID_EXTRA

    recipe: Recipe
    shape: Shape
    labels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    """Of the classes in the training data."""
    scales: tuple[tuple[float, float], ...] = ()
    """Mean and deviation of each attribute in the training data."""
    facts: Any = PLAIN
    """Of the training data: of the type that its modality names."""
    format: int = FORMAT

    @property
    def width(self) -> int:
        """How many classes, attributes or options can be given to the generator."""
        return self.facts.condition_width or len(self.labels)


def read_spec(path: Path) -> ModelSpec:
    """Reads it. Raises UserError for a file that is missing, no description, or asks for too much."""
    try:
        about = from_json(path.read_bytes())
        written = about.get("format", 1)
        if written > FORMAT:
            raise UserError(f"{path} is of format {written}, and this version reads {FORMAT}: take a newer one")
        description = _parsed(_from_v1(about) if written == 1 else about)
    except FileNotFoundError:
        raise UserError(f"no model at {path.parent}: give the folder of a run that has saved one") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no model description ({shorten(error)})") from None
    checks = (excess(description.recipe), _misshapen(description), _mislabelled(description))
    if wrong := next(filter(None, checks), ""):
        raise UserError(f"{path} asks for {wrong}: not built")
    return description


def _parsed(about: Mapping[str, Any]) -> ModelSpec:
    """Raises ValueError for fields that are missing, unknown or of another type."""
    description = TypeAdapter(ModelSpec).validate_json(json.dumps(about))
    if (name := description.recipe.modality) not in MODALITIES:
        raise ValueError(f"it asks for samples of modality '{one_line(name)}', which does not exist")
    facts = TypeAdapter(MODALITIES[name].facts_type).validate_json(json.dumps(description.facts))
    return replace(description, facts=facts)


def _from_v1(about: Mapping[str, Any]) -> dict[str, Any]:
    """Format 1 held the scale of points and the schema of tables in fields of their own."""
    facts = about.get("schema") or {"scale": about.get("scale", 1.0)}
    rest = {name: value for name, value in about.items() if name not in ("schema", "scale")}
    return rest | {"recipe": recipe_from_v1(about["recipe"]), "facts": facts, "format": FORMAT}


def excess(recipe: Recipe) -> str:
    """What it asks for that is out of bounds; "" if nothing is."""
    for name in SIZES:
        if not 0 <= getattr(recipe, name) <= LARGEST:
            return f"{name} {getattr(recipe, name):,}, which is not between 0 and {LARGEST:,}"
    values = [v for network in recipe.networks.values() for v in network.numbers.values() if not isinstance(v, str)]
    numbers = [n for value in values for n in (value if isinstance(value, list) else [value])]
    within = all(abs(n) <= LARGEST for n in numbers)  # which no NaN is
    return "" if within else f"a network with a number above {LARGEST:,}"


def _misshapen(description: ModelSpec) -> str:
    """What is wrong with the shape of its samples."""
    if any(abs(n) > LARGEST for n in description.shape):
        return f"samples with a side above {LARGEST:,}"
    large = math.prod(description.shape) > LARGEST_SAMPLE
    return f"samples of more than {LARGEST_SAMPLE:,} numbers" if large else ""


def _mislabelled(description: ModelSpec) -> str:
    """What is wrong with what it can be asked for."""
    labels, shares, scales = description.labels, description.shares, description.scales
    if description.facts.condition_width or not description.recipe.conditional:
        return ""
    if scales:
        return f"{len(labels)} attributes with {len(scales)} scales" if len(labels) != len(scales) else ""
    drawn = len(shares) == len(labels) and all(0 <= share <= 1 for share in shares) and sum(shares) > 0
    return "" if drawn else f"{len(labels)} classes with shares that are not theirs"
