"""Loops a person waits for: a bar with an ETA on standard error, gone when done."""

from collections.abc import Iterator


def steps(count: int, about: str) -> Iterator[int]:
    """0, 1, … count − 1."""
    from rich.console import Console
    from rich.progress import track

    yield from track(range(count), about, count, console=Console(stderr=True), transient=True)
