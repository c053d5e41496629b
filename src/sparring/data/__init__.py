"""Data: what a SPEC names, as examples in memory, split and fingerprinted.

`loading` goes from a SPEC to data. `named` holds the sets with a name. `folder`, `zipped` and `parquet` list named
pictures, which `decoding` labels, decodes and caches; `arrays` and `idx` read whole arrays. `sets` says what comes out,
`media` and `pixels` go between that and what networks see, `scan` tells a person about it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset, Split
    from sparring.data.load import load_dataset
    from sparring.data.options import Options

PLACES = {"Dataset": "dataset", "Split": "dataset", "Options": "options", "load_dataset": "load"}
__all__ = ["Dataset", "Options", "Split", "load_dataset"]


def __getattr__(name: str):
    # Processes that decode (`sparring.data.prepare.workers`) do without torch, which takes seconds to import.
    if name in PLACES:
        return getattr(import_module(f"sparring.data.{PLACES[name]}"), name)
    raise AttributeError(f"module 'sparring.data' has no attribute '{name}'")
