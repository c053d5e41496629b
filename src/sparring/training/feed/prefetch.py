"""Prefetcher: reads batches ahead of time in threads, and measures how long the loop waits for them."""

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
"""Batches read ahead, and concurrent reads: a disk serves several requests at once faster than one by one."""
TIMEOUT = 300.0
"""Seconds after which a read has failed: an unreachable network disk never answers."""
SHUTDOWN = 1.0
"""Seconds to wait for a thread at the end."""

Read = Callable[[Tensor], Any]
Task = tuple[Read, Tensor, Future[Any]]
Queue = SimpleQueue[Task | None]


class Prefetcher:
    """Batches 0, 1, 2, … in this order, or from any other number on.

    Args:
        read: (n,) indices → rows; called by threads.
        indices: k → the indices of batch k; called by the user's thread.
        timeout: seconds a batch may take.
    """

    def __init__(self, read: Read, indices: Callable[[int], Tensor], timeout: float = TIMEOUT):
        self.read, self.indices, self.timeout = read, indices, timeout
        self._queue: Queue = SimpleQueue()
        # Daemon threads, not an executor: the interpreter waits at exit for an executor's threads, even if they hang.
        threads = [threading.Thread(target=_worker, args=(self._queue,), daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        weakref.finalize(self, _shutdown, self._queue, threads)
        self._pending: dict[int, Future[Any]] = {}
        self.waited = 0.0
        """Seconds for which callers waited."""

    def __call__(self, k: int) -> Any:
        """The rows of batch k. Raises MachineError after the timeout, and any error raised by `read`."""
        start = time.perf_counter()
        self._pending = {i: batch for i, batch in self._pending.items() if i >= k}
        for i in range(k, k + DEPTH):
            if i not in self._pending:
                self._pending[i] = Future()
                self._queue.put((self.read, self.indices(i), self._pending[i]))
        try:
            rows = self._pending.pop(k).result(self.timeout)
        except TimeoutError:
            raise MachineError(
                f"waited {self.timeout:g} s for batch {k} of the data: check its disk or network"
            ) from None
        self.waited += time.perf_counter() - start
        return rows


def _worker(queue: Queue) -> None:
    """The loop of a thread; it references the queue only, so that the prefetcher can be garbage-collected."""
    while _serve(queue.get()):
        pass


def _serve(task: Task | None) -> bool:
    if task is None:
        return False
    read, indices, batch = task
    try:
        batch.set_result(read(indices))
    except BaseException as error:
        batch.set_exception(error)
    return True


def _shutdown(queue: Queue, threads: list[threading.Thread]) -> None:
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join(SHUTDOWN)
