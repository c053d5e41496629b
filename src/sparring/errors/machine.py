"""What machines do to programs that are not at fault, in one line each: memory that runs out, devices and disks that
fail. Needs no torch, whose errors are known by what they say."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sparring.errors import MachineError, shorten


class Cause(NamedTuple):
    what: str
    signs: tuple[str, ...]
    """Of which an error's text holds one, in small letters."""
    advice: str


SMALLER = "or begin with a smaller --batch, with --micro-batches or --recompute"
NO_ROOM = (
    Cause(
        "the GPU's memory is full",
        ("cuda out of memory", "cublas_status_alloc_failed", "mps backend out of memory"),
        f"end what else runs on it, {SMALLER}",
    ),
    Cause(
        "memory is full",
        # The last is oneDNN's word for it, on CPUs.
        ("not enough memory", "can't allocate memory", "cannot allocate memory", "bad_alloc", "not create a primitive"),
        f"end what else runs, {SMALLER}",
    ),
)
CAUSES = (
    *NO_ROOM,
    Cause(
        "the GPU is lost",
        (
            "unspecified launch failure",
            "uncorrectable ecc",
            "gpu is lost",
            "fallen off the bus",
            "no cuda-capable device",
            "busy or unavailable",
            "hardware stack error",
            "cuda error: unknown error",
        ),
        "see nvidia-smi, and the kernel's log",
    ),
)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
FAILING = {errno.EIO, errno.ESTALE, errno.ENXIO}
"""What a disk answers that can't; all other numbers are a program's fault."""


@contextmanager
def machine_errors_as_user_errors(hint: str = "") -> Iterator[None]:
    """Raises MachineError in the place of errors that are a machine's, with the hint at its end. All others pass."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if told := _told(error):
            raise MachineError(f"{told}; {hint}" if hint else told) from None
        raise


def out_of_memory(error: Exception) -> bool:
    """Whether it says that there is no memory left: the machine's, or a device's."""
    return _cause(error) in NO_ROOM


def _cause(error: Exception) -> Cause | None:
    said = "not enough memory" if isinstance(error, MemoryError) else str(error).lower()
    return next((cause for cause in CAUSES if any(sign in said for sign in cause.signs)), None)


def _told(error: Exception) -> str:
    """What happened and what to do; "" for an error that is no machine's."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}" if error.errno in FULL | CLOSED | FAILING else ""
    found = _cause(error)
    return f"{found.what} ({shorten(error)}): {found.advice}" if found else ""
