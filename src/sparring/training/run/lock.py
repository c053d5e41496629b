"""One process at a time plays a run: a lock the system lets go of when its owner dies, however it dies."""

import errno
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sparring.errors import UserError
from sparring.storage import atomic
from sparring.storage.atomic import from_json
from sparring.training.distributed.ranks import Ranks

NAME = "lock"
UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What file systems answer that have no locks."""


@contextmanager
def exclusive(run: Path, ranks: Ranks = Ranks()) -> Iterator[None]:  # noqa: B008  it is frozen
    """No other process plays the run meanwhile; of several ranks the first holds the lock for all.

    Raises UserError, on every rank, when it is held, with its owner and since when; and where it can't be written.
    """
    with ExitStack() as held:
        ranks.on_first_rank(lambda: held.enter_context(_locked(run)))
        yield


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    path = run / NAME
    try:
        file = _taken(path)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}") from None
    try:
        with suppress(OSError):  # the text is for people: the lock holds without it
            os.ftruncate(file, 0)
            os.write(file, json.dumps(_owner()).encode())
        atomic.remove_partial_files(run)
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(file)


def _taken(path: Path) -> int:
    """The open, locked file of this name: an owner deletes it on leaving, so it may be gone once the lock is ours."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except BlockingIOError:
            told = _told(file)
            os.close(file)
            raise UserError(f"{path.parent} is being trained{told}: wait for it, or stop it") from None
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                os.close(file)
                raise
            print(f"{path.parent} can't be locked here: see that nobody else trains it", file=sys.stderr)
            return file
        os.close(file)


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _owner() -> dict[str, object]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _told(file: int) -> str:
    """Of the owner, as far as it has written who it is."""
    try:
        owner = from_json(os.read(file, 1000))
        return f" by process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (ValueError, TypeError, KeyError):
        return " by another process"
