"""Schedules over images seen, for learning rates, loss weights and half-lives."""

import math
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class _Schedule:
    start: float
    end: float
    images: int = 0
    """0: the whole run; the schedule stays at `start` until `with_horizon` sets the length."""

    def share(self, seen: int) -> float:
        """Progress of the schedule, in [0, 1]."""
        return min(seen / self.images, 1) if self.images else 0.0

    def __str__(self) -> str:
        span = f"{self.images:,} images" if self.images else "the run"
        return f"{self.start:g} to {self.end:g} over {span} ({type(self).__name__.lower()})"


@dataclass(frozen=True)
class Linear(_Schedule):
    """From `start` to `end` over the first `images` images, then `end`."""

    shape: Literal["linear"] = "linear"

    def __call__(self, seen: int) -> float:
        return self.end + (self.start - self.end) * (1 - self.share(seen))


@dataclass(frozen=True)
class Cosine(_Schedule):
    """From `start` to `end` along half a cosine over the first `images` images, then `end`.

    Huang et al. 2024 (arXiv:2501.05441), appendix on schedules.
    """

    shape: Literal["cosine"] = "cosine"

    def __call__(self, seen: int) -> float:
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * self.share(seen))) / 2


Number = float | Linear | Cosine


SHAPES: dict[str, type[Linear] | type[Cosine]] = {"linear": Linear, "cosine": Cosine}


def parse_schedule(text: str) -> Number:
    """Parses "0.1", "0.1:0:200000" (.1 to 0 over 200,000 images) or "cosine:0.1:0" (over the whole run).

    Raises ValueError for any other text.
    """
    first, *rest = text.split(":")
    if not rest:
        return float(first)
    shape, (start, end, *span) = (first, rest) if first in SHAPES else ("linear", [first, *rest])
    if not span:
        return SHAPES[shape](float(start), float(end))
    (images,) = span
    if int(images) < 1:
        raise ValueError("over no images")
    return SHAPES[shape](float(start), float(end), int(images))


def with_horizon(number: Number, images: int) -> Number:
    """The number in a run of `images` images: a schedule without a length gets this one."""
    if isinstance(number, Linear | Cosine) and not number.images:
        return replace(number, images=images)
    return number


def scaled(number: Number, factor: float) -> Number:
    """The number times `factor`."""
    if isinstance(number, Linear | Cosine):
        return replace(number, start=factor * number.start, end=factor * number.end)
    return factor * number


def at(number: Number, seen: int) -> float:
    """The number's value after `seen` images."""
    return number(seen) if isinstance(number, Linear | Cosine) else number
