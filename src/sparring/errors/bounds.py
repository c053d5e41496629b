"""Bounds of numbers, declared once for Python and the command line."""

import math
from dataclasses import dataclass

from sparring.errors import UserError


@dataclass(frozen=True)
class Bounds:
    """The range of a number; NaN is outside.

    Args:
        open_low, open_high: the bound itself is outside.
    """

    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def check(self, name: str, value: float | None) -> None:
        """Raises UserError for a value out of bounds; None passes."""
        if value is not None and not self.holds(value):
            raise UserError(f"{name.replace('_', '-')} is {value}: it must be {self}")

    def __str__(self) -> str:
        low = f"above {self.low}" if self.open_low else f"{self.low} or more"
        if self.high == math.inf:
            return low
        if not (self.open_low or self.open_high):
            return f"{self.low} to {self.high}"
        return f"{low} and {'below' if self.open_high else 'at most'} {self.high}"


POSITIVE = Bounds(0, open_low=True)
ARGUMENTS: dict[str, Bounds] = {
    "n": Bounds(1),
    "seed": Bounds(0),
    "samples": Bounds(2),
    "truncation": POSITIVE,
    "tile": Bounds(0),
    "workers": Bounds(1),
    "timeout": POSITIVE,
    "rounds": Bounds(1),
    "batch": Bounds(1),
    "bandwidth": POSITIVE,
    "latency": Bounds(0),
    "step": POSITIVE,
    "data_rate": POSITIVE,
}
"""Of arguments of functions and commands with these names; games and the settings of a run declare their own."""


def check_bounds(**values: float | None) -> None:
    """Raises UserError for a value out of the bounds in `ARGUMENTS`."""
    for name, value in values.items():
        ARGUMENTS[name].check(name, value)
