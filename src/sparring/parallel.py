"""Parallel map over CPU threads, for operations too small to be parallel themselves."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")


def parallel_map(work: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Yields work(item) in order, on as many threads as torch uses; at most as many more items are queued.

    Threads inherit the caller's autocast and inference mode. Meanwhile each operation of torch runs on one thread.
    """
    threads, task = torch.get_num_threads(), _with_caller_modes(work)
    if threads == 1:
        yield from map(work, items)
        return
    with _single_threaded(), ThreadPoolExecutor(threads) as pool:
        pending = deque()
        for item in items:
            pending.append(pool.submit(task, item))
            if len(pending) == 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _with_caller_modes(work: Callable[[T], U]) -> Callable[[T], U]:
    """`work` under this thread's inference mode and autocast, which torch keeps per thread."""
    inference, cast = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu")

    def task(item: T) -> U:
        with torch.inference_mode(inference), torch.autocast("cpu", dtype, enabled=cast):
            return work(item)

    return task


@contextmanager
def _single_threaded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
