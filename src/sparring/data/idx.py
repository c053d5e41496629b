"""The idx format of MNIST, gzipped: two zeros, type, number of axes, the axes as big-endian uint32, the bytes."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import torch

from sparring.errors import UserError, one_line

UNSIGNED_BYTE = 8
MOST_BYTES = 2**30


def read_idx(path: Path, axes: int) -> torch.Tensor:
    """Reads a gzipped idx file of unsigned bytes with this many axes, as a uint8 tensor.

    Raises:
        UserError: names the file, when it can't be read, is not such a file, or is damaged, cut short, over-long or
            over 1 GiB.
    """
    try:
        with gzip.open(path) as file:
            return _read(file, axes)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or no idx file ({reason}): replace it") from None


def _read(file: gzip.GzipFile, axes: int) -> torch.Tensor:
    """Raises ValueError for what is wrong with the contents."""
    head, start = file.read(4 + 4 * axes), bytes((0, 0, UNSIGNED_BYTE, axes))
    if len(head) < 4 + 4 * axes:
        raise ValueError("its header is cut short")
    if head[:4] != start:
        raise ValueError(f"it starts with {head[:4].hex()}, not {start.hex()}")
    shape = struct.unpack(f">{axes}I", head[4:])
    size = math.prod(shape)
    if not 0 < size <= MOST_BYTES:
        raise ValueError(f"it says it holds {'×'.join(map(str, shape))} bytes")
    # No more than announced is ever unpacked, so a gzip bomb stays packed; one byte more tells an over-long file.
    body = file.read(size + 1)
    if len(body) != size:
        raise ValueError(f"it holds {'more' if len(body) > size else len(body)} bytes where it says {size}")
    return torch.frombuffer(bytearray(body), dtype=torch.uint8).reshape(shape)
