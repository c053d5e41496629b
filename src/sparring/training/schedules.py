"""Numbers that change as images are seen; every rate, weight and half-life may be a plain number or one of these."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class _Schedule:
    start: float
    end: float
    images: int

    def __str__(self) -> str:
        return f"{self.start:g} to {self.end:g} over {self.images:,} images ({type(self).__name__.lower()})"


@dataclass(frozen=True)
class Linear(_Schedule):
    """From `start` to `end` over the first `images` images, `end` after."""

    shape: Literal["linear"] = "linear"

    def __call__(self, seen: int) -> float:
        return self.end + (self.start - self.end) * (1 - min(seen / self.images, 1))


@dataclass(frozen=True)
class Cosine(_Schedule):
    """From `start` to `end` along half a cosine over the first `images` images, `end` after.

    Huang et al. 2024 (arXiv:2501.05441), appendix on schedules.
    """

    shape: Literal["cosine"] = "cosine"

    def __call__(self, seen: int) -> float:
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * min(seen / self.images, 1))) / 2


Number = float | Linear | Cosine


def at(number: Number, seen: int) -> float:
    """The number's value after `seen` images."""
    return number(seen) if isinstance(number, Linear | Cosine) else number
