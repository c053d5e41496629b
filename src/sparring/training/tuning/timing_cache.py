"""What of two ways is the quicker on this machine: measured once, and kept in the cache."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version

import torch

from sparring.errors import UserError
from sparring.storage.atomic import cache_folder, ensure_folder, from_json, write_bytes


def cached_timing(
    shelf: str, about: Sequence[object], asked: Sequence[str], measure: Callable[[list[str]], Mapping[str, bool]]
) -> dict[str, bool]:
    """The answers to what is asked, by name: those known here, and those measured now.

    Args:
        shelf: the folder of the cache.
        about: what was measured, as JSON has it; the CPU, its threads and the versions of code are added.
        measure: asked for what is not known yet.
    """
    code = [version("sparring"), torch.__version__]
    machine = [torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()]
    digest = hashlib.sha256(json.dumps([*about, *code, *machine]).encode()).hexdigest()[:16]
    path = cache_folder() / shelf / f"{digest}.json"
    held: dict[str, bool] = {}
    with suppress(OSError, ValueError, TypeError):
        held = {name: bool(won) for name, won in dict(from_json(path.read_bytes())).items()}
    if missing := [name for name in asked if name not in held]:
        held |= measure(missing)
        with suppress(OSError, UserError):  # a full or closed cache costs time, and nothing else
            ensure_folder(path.parent)
            write_bytes(path, json.dumps(held).encode())
    return {name: held[name] for name in asked}
