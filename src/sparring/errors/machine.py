"""Recognises machine errors: out of memory, lost devices, failing disks.

Independent of torch: its errors are recognised by their messages.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sparring.errors import MachineError, shorten


class Cause(NamedTuple):
    what: str
    signs: tuple[str, ...]
    """Lower-case phrases, one of which is in the error's message."""
    advice: str


SMALLER = "or train with a smaller --batch, with --micro-batches or --recompute"
NO_ROOM = (
    Cause(
        "the GPU's memory is full",
        ("cuda out of memory", "cublas_status_alloc_failed", "mps backend out of memory"),
        f"stop other programs that use it, {SMALLER}",
    ),
    Cause(
        "memory is full",
        # The last phrase is oneDNN's, on CPUs.
        ("not enough memory", "can't allocate memory", "cannot allocate memory", "bad_alloc", "not create a primitive"),
        f"stop other programs, {SMALLER}",
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
        "see nvidia-smi and the kernel log",
    ),
)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
FAILING = {errno.EIO, errno.ESTALE, errno.ENXIO}
"""Error numbers of full, read-only and failing disks; all others are bugs."""


@contextmanager
def machine_errors_as_user_errors(hint: str = "") -> Iterator[None]:
    """Converts machine errors to MachineError, with `hint` appended; other errors pass unchanged."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if message := _message(error):
            raise MachineError(f"{message}; {hint}" if hint else message) from None
        raise


def out_of_memory(error: Exception) -> bool:
    """Whether the machine or a device ran out of memory."""
    return _cause(error) in NO_ROOM


def _cause(error: Exception) -> Cause | None:
    text = "not enough memory" if isinstance(error, MemoryError) else str(error).lower()
    return next((cause for cause in CAUSES if any(sign in text for sign in cause.signs)), None)


def _message(error: Exception) -> str:
    """What happened and what to do; "" for other errors."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}" if error.errno in FULL | CLOSED | FAILING else ""
    cause = _cause(error)
    return f"{cause.what} ({shorten(error)}): {cause.advice}" if cause else ""
