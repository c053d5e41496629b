"""Batches read before they are asked for, and how long the loop waits for them all the same."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from torch import Tensor

DEPTH, THREADS = 8, 4
"""Batches read ahead, and how many of them at once: a disk answers many questions sooner than one after the other."""


class Ahead:
    """Batches 0, 1, 2, … in that order, or on from any other number.

    Args:
        read: (n,) indices → the rows; called by threads.
        indices: of batch k; called by whoever asks, each k once unless it is gone back to.
    """

    def __init__(self, read: Callable[[Tensor], Any], indices: Callable[[int], Tensor]):
        self.read, self.indices = read, indices
        self._threads = ThreadPoolExecutor(THREADS, "reading")
        self._coming: dict[int, Future[Any]] = {}
        self.waited = 0.0
        """Seconds spent in here."""

    def __call__(self, k: int) -> Any:
        """The rows of batch k."""
        start = time.perf_counter()
        self._coming = {i: batch for i, batch in self._coming.items() if i >= k}
        for i in range(k, k + DEPTH):
            if i not in self._coming:
                self._coming[i] = self._threads.submit(self.read, self.indices(i))
        rows = self._coming.pop(k).result()
        self.waited += time.perf_counter() - start
        return rows
