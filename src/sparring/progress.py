"""Loops a person waits for: a bar with an ETA on standard error, from the second second on, gone when done."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds without a bar."""


def progress_range(count: int, about: str) -> Iterator[int]:
    """0, 1, … count − 1."""
    return with_progress(range(count), count, about)


def with_progress(items: Iterable[T], count: int | None, about: str) -> Iterator[T]:
    """These, of which there are about so many, or nobody knows how many."""
    start, bar = time.monotonic(), None
    with ExitStack() as shown:
        for i, item in enumerate(items):
            yield item
            if bar is None and time.monotonic() - start > PATIENCE:
                bar = shown.enter_context(_bar())
                bar.add_task(about, total=count)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=i + 1)


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True)
