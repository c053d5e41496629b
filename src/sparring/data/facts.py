"""What a data set says of its examples beyond their values."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Facts(Protocol):
    """Read by a modality's codec and by the recipe's networks; a model keeps it in `model.json`."""

    def shape_of(self, values: Tensor) -> tuple[int, ...]:
        """Shape of an example as networks see it; values (n, …) are stored ones."""
        ...

    @property
    def layout(self) -> "dict[str, list[int] | int]":
        """Numbers by which networks are built, by the name of their parameter."""
        ...

    @property
    def condition_width(self) -> int:
        """Width of the condition that the facts define themselves; 0 if conditions are labels."""
        ...


@dataclass(frozen=True)
class ArrayFacts:
    """Facts of images and points: networks see what is stored."""

    __pydantic_config__ = {"extra": "forbid"}

    scale: float = 1.0
    """Networks see values divided by it."""

    def shape_of(self, values: Tensor) -> tuple[int, ...]:
        return tuple(values.shape[1:])

    @property
    def layout(self) -> "dict[str, list[int] | int]":
        return {}

    @property
    def condition_width(self) -> int:
        return 0


PLAIN = ArrayFacts()
"""Of data that networks see as it is stored."""
