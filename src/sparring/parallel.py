"""Independent pieces of work on a CPU, one a core: for networks whose operations are too small to be shared out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")


def parallel_map(work: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """work(item) of each, in their order, as many at once as torch has threads; as many more wait at most.

    Threads inherit the precision and the inference mode of the caller. Meanwhile torch has one thread for each.
    """
    threads, kept = torch.get_num_threads(), _kept(work)
    if threads == 1:
        yield from map(work, items)
        return
    with _single(), ThreadPoolExecutor(threads) as pool:
        begun = deque()
        for item in items:
            begun.append(pool.submit(kept, item))
            if len(begun) == 2 * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _kept(work: Callable[[T], U]) -> Callable[[T], U]:
    """`work`, as it would be here: what torch keeps of this by thread."""
    bare, cast = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu")

    def there(item: T) -> U:
        with torch.inference_mode(bare), torch.autocast("cpu", dtype, enabled=cast):
            return work(item)

    return there


@contextmanager
def _single() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
