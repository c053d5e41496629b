"""Batches read before they are asked for, and how long the loop waits for them all the same."""

import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from torch import Tensor

from sparring.errors import MachineError

DEPTH, THREADS = 8, 4
"""Batches read ahead, and how many of them at once: a disk answers many questions sooner than one after the other."""
TIMEOUT = 300.0
"""Seconds a batch may take: a disk on a network that is gone answers never."""
FAREWELL = 1.0
"""Seconds a thread that still reads is waited for at the end, before it is left alone."""

Read = Callable[[Tensor], Any]
Task = tuple[Read, Tensor, Future[Any]]
Asked = SimpleQueue[Task | None]


class Prefetcher:
    """Batches 0, 1, 2, … in that order, or on from any other number.

    Args:
        read: (n,) indices → the rows; called by threads.
        indices: of batch k; called by whoever asks, each k once unless it is gone back to.
        timeout: seconds a batch may take.
    """

    def __init__(self, read: Read, indices: Callable[[int], Tensor], timeout: float = TIMEOUT):
        self.read, self.indices, self.timeout = read, indices, timeout
        self._asked: Asked = SimpleQueue()
        # Not an executor: a program waits at its end for the threads of one, though they hang.
        threads = [threading.Thread(target=_reading, args=(self._asked,), daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        weakref.finalize(self, _end, self._asked, threads)
        self._coming: dict[int, Future[Any]] = {}
        self.waited = 0.0
        """Seconds spent in here."""

    def __call__(self, k: int) -> Any:
        """The rows of batch k. Raises MachineError when they do not come, and what reading them raised."""
        start = time.perf_counter()
        self._coming = {i: batch for i, batch in self._coming.items() if i >= k}
        for i in range(k, k + DEPTH):
            if i not in self._coming:
                self._coming[i] = Future()
                self._asked.put((self.read, self.indices(i), self._coming[i]))
        try:
            rows = self._coming.pop(k).result(self.timeout)
        except TimeoutError:
            raise MachineError(
                f"waited {self.timeout:g} s for batch {k} of the data, and it did not come: see its disk or network"
            ) from None
        self.waited += time.perf_counter() - start
        return rows


def _reading(asked: Asked) -> None:
    """What a thread does: it knows the queue alone, so that whoever asks can be forgotten."""
    while _answered(asked.get()):
        pass


def _answered(task: Task | None) -> bool:
    if task is None:
        return False
    read, indices, batch = task
    try:
        batch.set_result(read(indices))
    except BaseException as error:
        batch.set_exception(error)
    return True


def _end(asked: Asked, threads: list[threading.Thread]) -> None:
    for _ in threads:
        asked.put(None)
    for thread in threads:
        thread.join(FAREWELL)
