"""Decoded images, kept in the user's cache: the next run on the same files starts at once.

One safetensors file for each set, named by the hash of all that decides what is in it; the one used longest ago goes
first.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sparring.data.dataset import Split, UnsplitDataset, digest
from sparring.errors import UserError
from sparring.storage.atomic import PART, atomic_write, cache_folder, from_json

_MAX_BYTES = 4 * 2**30
"""Bytes all kept sets may take."""
_SUFFIX = ".safetensors"
_STALE_SECONDS = 24 * 3600
"""Seconds after which what is half written has no writer any more."""


def find(key: str) -> UnsplitDataset | None:
    """What was kept under this key, if it is there and whole."""
    path = _folder() / (key + _SUFFIX)
    try:
        with safe_open(path, "pt") as file:
            about = from_json(file.metadata()["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        examples = Split(tensors["values"], tensors.get("labels"))
        if digest(examples) != about["sha256"]:
            return None
        os.utime(path)
        broken = tuple((name, why) for name, why in about["broken"])
        return UnsplitDataset(examples, tuple(about["names"]), broken, tuple(about["files"]))
    except (OSError, SafetensorError, LookupError, TypeError, ValueError):
        return None


def store(key: str, pool: UnsplitDataset) -> None:
    """Keeps a pool, if it fits and the disk lets it: a run goes on without."""
    examples = pool.examples
    tensors = {"values": examples.values.contiguous()}
    if examples.labels is not None:
        tensors["labels"] = examples.labels
    if not len(examples) or sum(map(_bytes, tensors.values())) > _MAX_BYTES:
        return
    about = {"sha256": digest(examples), "names": pool.names, "broken": pool.skipped, "files": pool.files}
    path = _folder() / (key + _SUFFIX)
    with suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as aside:
            save_file(tensors, aside, {"about": json.dumps(about)})
        _make_room(path)


def _make_room(new: Path) -> None:
    """Deletes what killed writers left, and what was used longest ago until the rest fits."""
    for path in _folder().glob(".*" + PART):
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            path.unlink(missing_ok=True)
    kept = [(path.stat(), path) for path in _folder().glob("*" + _SUFFIX) if path != new]
    room = _MAX_BYTES - new.stat().st_size
    for state, path in sorted(kept, key=lambda pair: pair[0].st_mtime_ns, reverse=True):
        room -= state.st_size
        if room < 0:
            path.unlink(missing_ok=True)


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _folder() -> Path:
    return cache_folder() / "data"
