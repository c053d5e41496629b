"""Progress bars with an ETA on standard error, for loops longer than two seconds."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds before the bar appears."""


def progress_range(count: int, about: str) -> Iterator[int]:
    """0, 1, … count − 1, with a progress bar."""
    return with_progress(range(count), count, about)


def with_progress(items: Iterable[T], count: int | None, about: str) -> Iterator[T]:
    """The items, with a progress bar; `count` is their approximate number, or None if unknown."""
    start, bar = time.monotonic(), None
    with ExitStack() as stack:
        for i, item in enumerate(items):
            yield item
            if bar is None and time.monotonic() - start > PATIENCE:
                bar = stack.enter_context(_bar())
                bar.add_task(about, total=count)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=i + 1)


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True)
