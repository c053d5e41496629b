"""Data sets: loading, splitting, preparing and checking.

`sparring.modalities.load.load_dataset` turns a SPEC into a `Dataset`. `sources` lists the files of folders and archives
and reads whole arrays; `image`, `table` and `audio` decode them; `prepare` writes memory-mapped copies; `scan` reports
likely defects.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset, Split
    from sparring.data.options import Options

_MODULES = {"Dataset": "dataset", "Split": "dataset", "Options": "options"}
__all__ = ["Dataset", "Options", "Split"]


def __getattr__(name: str):
    # Lazy: the worker processes of `sparring.data.prepare.workers` run without torch, which takes seconds to import.
    if name in _MODULES:
        return getattr(import_module(f"sparring.data.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sparring.data' has no attribute '{name}'")
