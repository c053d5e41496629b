"""A lock on a run folder, so that one process at a time trains in it. The system releases it when its owner dies."""

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
"""Errors of file systems without locks."""


@contextmanager
def exclusive(run: Path, ranks: Ranks = Ranks()) -> Iterator[None]:  # noqa: B008  it is frozen
    """Locks the run; rank 0 holds the lock for all ranks.

    Raises UserError, on every rank, when another process holds it, and where it can't be written.
    """
    with ExitStack() as stack:
        ranks.on_first_rank(lambda: stack.enter_context(_locked(run)))
        yield


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    path = run / NAME
    try:
        file = _open_locked(path)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}") from None
    try:
        with suppress(OSError):  # for messages only: the lock works without it
            os.ftruncate(file, 0)
            os.write(file, json.dumps(_owner()).encode())
        atomic.remove_partial_files(run)
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(file)


def _open_locked(path: Path) -> int:
    """The descriptor of the locked file. An owner deletes the file when it leaves, so it may be gone once it is locked:
    then another one is made."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except BlockingIOError:
            owner = _describe_owner(file)
            os.close(file)
            raise UserError(f"{path.parent} is being trained{owner}: wait for it, or stop it") from None
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                os.close(file)
                raise
            print(
                f"{path.parent} can't be locked on this file system: make sure that no other process trains it",
                file=sys.stderr,
            )
            return file
        os.close(file)


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _owner() -> dict[str, object]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _describe_owner(file: int) -> str:
    try:
        owner = from_json(os.read(file, 1000))
        return f" by process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (ValueError, TypeError, KeyError):
        return " by another process"
