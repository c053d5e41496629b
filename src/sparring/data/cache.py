"""On-disk cache of decoded images, with least-recently-used eviction.

One safetensors file per data set, named by a hash of the source files and decoding options.
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
"""Size limit of the whole cache."""
_SUFFIX = ".safetensors"
_STALE_SECONDS = 24 * 3600
"""Age after which a partial file is taken to be left by a killed writer."""


def find(key: str) -> UnsplitDataset | None:
    """The cached images, or None if they are absent or damaged."""
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
    """Caches images, unless they exceed the size limit. Write errors are ignored: the cache is optional."""
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
    """Deletes stale partial files, then the least recently used entries until the cache fits its limit."""
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
