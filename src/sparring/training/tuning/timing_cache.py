"""Results of timing comparisons on this machine, stored in the cache folder."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version

import torch

from sparring.errors import UserError
from sparring.storage.atomic import cache_folder, ensure_folder, from_json, write_bytes

MAX_SHARE = 0.9
"""A candidate wins if it takes at most this share of the reference's time."""
MIN_SAVING = 1e-3
"""Seconds a candidate must save. Operations of a lowered convolution run through Python, which costs small layers more
than it saves: a round of 9.8 ms on 8×8 images became 11.9 ms."""
REPEATS, UNDECIDED = 5, (0.6, 1.5)
"""Runs of each candidate at most; timing stops early when the ratio of times is outside `UNDECIDED`."""


def cached_timing(
    kind: str, subject: Sequence[object], names: Sequence[str], measure: Callable[[list[str]], Mapping[str, bool]]
) -> dict[str, bool]:
    """Whether each named candidate is faster, from the cache or measured now.

    Args:
        kind: a sub-folder of the cache.
        subject: what is measured, serialisable as JSON; versions, CPU and number of threads are added to the key.
        measure: called with the names that are not in the cache.
    """
    code = [version("sparring"), torch.__version__]
    machine = [torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()]
    digest = hashlib.sha256(json.dumps([*subject, *code, *machine]).encode()).hexdigest()[:16]
    path = cache_folder() / kind / f"{digest}.json"
    cached: dict[str, bool] = {}
    with suppress(OSError, ValueError, TypeError):
        cached = {name: bool(faster) for name, faster in dict(from_json(path.read_bytes())).items()}
    if missing := [name for name in names if name not in cached]:
        cached |= measure(missing)
        with suppress(OSError, UserError):  # without a writable cache, the next run measures again
            ensure_folder(path.parent)
            write_bytes(path, json.dumps(cached).encode())
    return {name: cached[name] for name in names}


def is_faster(candidate: Callable[[], object], reference: Callable[[], object]) -> bool:
    """Whether the candidate is clearly faster, by the best of up to `REPEATS` runs of each."""
    best = [float("inf"), float("inf")]
    for i in range(REPEATS):
        for k, call in enumerate((candidate, reference)):
            start = time.perf_counter()
            call()
            best[k] = min(best[k], time.perf_counter() - start)
        if i and not UNDECIDED[0] < best[0] / best[1] < UNDECIDED[1]:
            break
    return best[0] <= MAX_SHARE * best[1] and best[1] - best[0] >= MIN_SAVING
