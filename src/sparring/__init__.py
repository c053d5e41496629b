"""Sparring: the toolkit for generative adversarial networks."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.api import (
        Options,
        advise,
        compare,
        evaluate,
        get_recipe,
        load,
        load_game,
        of_arrays,
        plan,
        resume,
        train,
    )
    from sparring.api.tabular import Synthesizer, fit
    from sparring.data.table.infer import Kind

PLACES = {"Kind": "sparring.data.table.infer", "Synthesizer": "sparring.api.tabular", "fit": "sparring.api.tabular"}
"""Of names that are not in `sparring.api`."""
__all__ = [
    "Kind",
    "Options",
    "Synthesizer",
    "advise",
    "compare",
    "evaluate",
    "fit",
    "get_recipe",
    "load",
    "load_game",
    "of_arrays",
    "plan",
    "resume",
    "train",
]
__version__ = "0.1.0"


def __getattr__(name: str):
    # Importing the package must not import torch: `spar recipes` and `--help` answer at once.
    if name in __all__:
        return getattr(import_module(PLACES.get(name, "sparring.api")), name)
    raise AttributeError(f"module 'sparring' has no attribute '{name}'")
