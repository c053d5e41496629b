"""`model.json`: what a model is made of, in names of the library's own entries and bounded numbers, never code."""

import math
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sparring.data.tables.schema import Schema
from sparring.errors import UserError, brief
from sparring.recipes import Recipe
from sparring.recipes.base import STRICT, Shape

LARGEST = 1 << 20
"""No number in a model file may exceed this."""
LARGEST_SAMPLE = 1 << 28
"""Nor the numbers of one sample this."""


@dataclass(frozen=True)
class Description:
    """What `model.json` says."""

    __pydantic_config__ = STRICT

    recipe: Recipe
    shape: Shape
    labels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    """Of the classes in the training data."""
    scales: tuple[tuple[float, float], ...] = ()
    """Mean and deviation of each attribute in the training data."""
    scale: float = 1.0
    """Of points: what the networks call 1."""
    schema: Schema | None = None
    """Of a table."""
    format: int = 1

    @property
    def width(self) -> int:
        """How many classes, attributes or options can be given to the generator."""
        return len(self.labels) if self.schema is None else sum(self.schema.choices)


def described(path: Path) -> Description:
    """Reads it. Raises UserError for a file that is missing, no description, or asks for too much."""
    try:
        description = TypeAdapter(Description).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"no model at {path.parent}: give the folder of a run that has saved one") from None
    except ValidationError as error:
        raise UserError(f"{path} is no model description ({brief(error)})") from None
    networks = (description.recipe.generator, description.recipe.encoder)
    values = [v for network in networks if network for v in network.numbers.values() if not isinstance(v, str)]
    values += [description.recipe.pool, description.recipe.places]
    numbers = [n for value in values for n in (value if isinstance(value, list) else [value])]
    if any(abs(n) > LARGEST for n in [*numbers, *description.shape, description.recipe.latent]):
        raise UserError(f"{path} asks for a network with a number above {LARGEST:,}: not built")
    if math.prod(description.shape) > LARGEST_SAMPLE:
        raise UserError(f"{path} asks for samples of more than {LARGEST_SAMPLE:,} numbers: not built")
    return description
