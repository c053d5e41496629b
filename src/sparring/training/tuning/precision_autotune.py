"""Which number format this machine plays a game the quicker in. Units for bf16 do not settle it: small and odd
layers may lose more by the casts than products win."""

import json
from collections.abc import Callable

import torch

from sparring.recipes import Recipe
from sparring.recipes.recipe import Shape
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import precision
from sparring.training.profile.forecast import round_time
from sparring.training.tuning.timing_cache import cached_timing

WORTH = 0.9
"""bf16 is chosen if its round takes at most this share of the time: fewer digits are to be worth it."""
WARM, TIMED = 1, 3
"""Rounds of each format before, and while, the clock runs."""


def select_precision(recipe: Recipe, shape: Shape, device: torch.device, loop_in: Callable[[str], Loop]) -> str:
    """A name of `PRECISIONS`, of a device that leaves it open; that of `precision` elsewhere.

    Args:
        loop_in: a loop in the format of this name, which is thrown away.
    """
    if (name := precision("auto", device)) != "auto":
        return name

    def measure(asked: list[str]) -> dict[str, bool]:
        plain, half = loop_in("fp32"), loop_in("bf16")
        return dict.fromkeys(asked, round_time(half, WARM, TIMED) <= WORTH * round_time(plain, WARM, TIMED))

    about = [repr(recipe), json.dumps(shape)]
    return "bf16" if cached_timing("formats", about, ["bf16"], measure)["bf16"] else "fp32"
