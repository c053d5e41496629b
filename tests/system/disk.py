"""File operations as the operating system sees them: made to fail, or noted down and played again up to a power cut.

What is watched goes through `os`, as all that `sparring.storage.atomic` does; the bytes of a picture do not.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

BY_PATH = ("open", "mkdir", "replace", "rename", "unlink")
BY_FILE = ("write", "fsync", "ftruncate")


@dataclass(frozen=True)
class Operation:
    name: str
    path: Path
    more: tuple[Any, ...] = ()
    """The system call's other arguments."""
    call: Callable[[], Any] = lambda: None


Hook = Callable[[Operation], Any]
"""In the place of an operation: makes `call` or fails, and returns its answer."""


@contextmanager
def watched(root: Path, hook: Hook) -> Iterator[None]:
    """Calls the hook in the place of each operation below `root`."""
    real = {name: getattr(os, name) for name in (*BY_PATH, *BY_FILE, "close")}
    files: dict[int, Path] = {}

    def by_path(name: str) -> Callable[..., Any]:
        def called(path: Any, *more: Any, **named: Any) -> Any:
            call = partial(real[name], path, *more, **named)
            place = Path(os.path.abspath(os.fsdecode(path)))
            if named.get("dir_fd") is not None or not place.is_relative_to(root):
                return call()
            answer = hook(Operation(name, place, more, call))
            if name == "open":
                files[answer] = place
            return answer

        return called

    def by_file(name: str) -> Callable[..., Any]:
        def called(file: int, *more: Any) -> Any:
            call = partial(real[name], file, *more)
            return hook(Operation(name, files[file], more, call)) if file in files else call()

        return called

    def close(file: int) -> None:
        files.pop(file, None)
        real["close"](file)

    patched = {name: by_path(name) for name in BY_PATH} | {name: by_file(name) for name in BY_FILE} | {"close": close}
    try:
        for name, called in patched.items():
            setattr(os, name, called)
        yield
    finally:
        for name, call in real.items():
            setattr(os, name, call)


class Failing:
    """The operation of this number (from 0) fails, and those after it too if `lasting`.

    Args:
        number: of `errno`; None: it writes half of what it was given, where it writes, and is fine otherwise; what
            comes after it finds the disk full.
    """

    def __init__(self, at: int, number: int | None, lasting: bool):
        self.at, self.number, self.lasting = at, number, lasting
        self.made: list[Operation] = []

    def __call__(self, operation: Operation) -> Any:
        k = len(self.made)
        self.made.append(operation)
        if k < self.at or (k > self.at and not self.lasting):
            return operation.call()
        if self.number is None and k == self.at:
            return self._half(operation)
        number = self.number or errno.ENOSPC
        raise OSError(number, os.strerror(number), str(operation.path))

    def _half(self, operation: Operation) -> Any:
        if operation.name != "write":
            return operation.call()
        call = operation.call
        assert isinstance(call, partial)
        file, content = call.args
        return call.func(file, content[: (len(content) + 1) // 2])


@dataclass
class Content:
    """Of a file: as it is, and what of it a power cut leaves for sure."""

    now: bytes = b""
    safe: bytes = b""


Tree = dict[Path, Content | None]
"""Files, and folders (None)."""
Change = Callable[[Tree], object]
"""Of a folder's names."""


@dataclass
class Disk:
    """What a power cut leaves when only flushed content and flushed folders are sure to be there."""

    now: Tree
    safe: Tree
    """Names as the folders on the disk have them."""
    waiting: list[tuple[Path, Change]] = field(default_factory=list)
    """Changes of a folder's names that no flush of it has made sure of yet."""

    @staticmethod
    def of(root: Path) -> "Disk":
        """A folder as it is, all of it on the disk."""
        now: Tree = {root: None}
        for path in root.rglob("*"):
            now[path] = None if path.is_dir() else Content(path.read_bytes(), path.read_bytes())
        return Disk(now, dict(now))

    def make(self, operation: Operation) -> None:
        MAKE[operation.name](self, operation.path, *operation.more)

    def open(self, path: Path, flags: int, *_: object) -> None:
        if path not in self.now and flags & os.O_CREAT:
            held = Content()
            self._change(path, lambda tree: tree.update({path: held}))
        if flags & os.O_TRUNC:
            self._file(path).now = b""

    def write(self, path: Path, content: bytes) -> None:
        """At the end: nothing here writes elsewhere."""
        self._file(path).now += bytes(content)

    def cut(self, path: Path, size: int) -> None:
        self._file(path).now = self._file(path).now[:size]

    def rename(self, path: Path, target: Any) -> None:
        """A file, or a folder with all that is in it."""
        if path not in self.now:  # a picture, whose bytes were not seen
            return
        held, new = self.now[path], Path(os.path.abspath(target))

        def change(tree: Tree) -> None:
            for old in [old for old in tree if old.is_relative_to(path)]:
                tree[new / old.relative_to(path)] = tree.pop(old)
            tree[new] = held

        self._change(new, change)

    def folder(self, path: Path, *_: object) -> None:
        if path not in self.now:
            self._change(path, lambda tree: tree.setdefault(path, None))

    def unlink(self, path: Path) -> None:
        self._change(path, lambda tree: tree.pop(path, None))

    def flush(self, path: Path) -> None:
        if (held := self.now.get(path)) is not None:
            held.safe = held.now
        for folder, change in self.waiting:
            if folder == path:
                change(self.safe)
        self.waiting = [(folder, change) for folder, change in self.waiting if folder != path]

    def outcomes(self) -> Iterator[dict[Path, bytes | None]]:
        """What may be found after a power cut here: of the changes waiting none, all, or one; of content that was not
        flushed nothing, a half, zeros in its place, or all."""
        changes = [change for _, change in self.waiting]
        choices = [[], changes, *([change] for change in changes)] if changes else [[]]
        for chosen, left in product(choices, (_lost, _torn, _zeros, _whole)):
            tree = dict(self.safe)
            for change in chosen:
                change(tree)
            yield {path: None if held is None else left(held) for path, held in tree.items()}

    def _file(self, path: Path) -> Content:
        held = self.now[path]
        assert held is not None
        return held

    def _change(self, path: Path, change: Change) -> None:
        change(self.now)
        self.waiting.append((path.parent, change))


def _lost(held: Content) -> bytes:
    return held.safe


def _whole(held: Content) -> bytes:
    return held.now


def _torn(held: Content) -> bytes:
    return held.now[: (len(held.safe) + len(held.now)) // 2]


def _zeros(held: Content) -> bytes:
    return held.safe.ljust(len(held.now), b"\0") if len(held.now) > len(held.safe) else held.safe


MAKE: dict[str, Callable[..., None]] = {
    "open": Disk.open,
    "write": Disk.write,
    "ftruncate": Disk.cut,
    "fsync": Disk.flush,
    "replace": Disk.rename,
    "rename": Disk.rename,
    "mkdir": Disk.folder,
    "unlink": Disk.unlink,
}


def lay(outcome: dict[Path, bytes | None], root: Path, out: Path) -> None:
    """Makes the folder `out` what `root` is in this outcome."""
    for path in sorted(outcome):
        place = out / path.relative_to(root)
        if (content := outcome[path]) is None:
            place.mkdir(parents=True, exist_ok=True)
        elif place.parent.is_dir():
            place.write_bytes(content)
