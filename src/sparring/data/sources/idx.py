"""The idx format of MNIST: two zeros, type, number of axes, each axis as big-endian uint32, the bytes; or gzipped."""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import torch

from sparring.data.dataset import Split, UnsplitDataset, encode_labels
from sparring.errors import UserError, one_line

UNSIGNED_BYTE = 8
MOST_BYTES = 2**30


def read_idx(path: Path, axes: int) -> torch.Tensor:
    """Reads an idx file of unsigned bytes with this many axes, as a uint8 tensor; gzipped if its name ends in .gz.

    Raises:
        UserError: names the file, when it can't be read, is not such a file, or is damaged, cut short, over-long or
            over 1 GiB.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return _read(file, axes)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or no idx file ({reason}): replace it") from None


def read_idx_images(path: Path) -> UnsplitDataset:
    """Grey images of an idx3 file, with the labels of the idx1 file beside it, if there is one.

    That is the file of the same name with `labels` for `images` and `idx1` for `idx3`, gzipped or not.

    Raises:
        UserError: as `read_idx`; or the labels are not as many as the images.
    """
    values = read_idx(path, 3)[:, None]
    beside = re.sub("idx3", "idx1", re.sub("images", "labels", path.name, flags=re.I), flags=re.I)
    plain = re.sub(r"\.gz$", "", beside, flags=re.I)
    found = next((path.with_name(name) for name in (beside, plain, f"{plain}.gz") if _is_other(path, name)), None)
    if found is None:
        return UnsplitDataset(Split(values))
    labels = read_idx(found, 1)
    if len(labels) != len(values):
        raise UserError(f"{one_line(found)} holds {len(labels):,} labels for {len(values):,} images: replace one")
    names, numbers = encode_labels([str(label) for label in labels.tolist()])
    return UnsplitDataset(Split(values, numbers), names)


def _is_other(path: Path, name: str) -> bool:
    return name != path.name and path.with_name(name).is_file()


def _read(file: BinaryIO, axes: int) -> torch.Tensor:
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
