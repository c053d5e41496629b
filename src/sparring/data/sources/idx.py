"""Reader of MNIST's idx format, plain or gzipped.

Layout: two zero bytes, type, number of axes, each axis as big-endian uint32, data.
"""

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
    """Reads an idx file of unsigned bytes with `axes` axes into a uint8 tensor; gzipped if its name ends in .gz.

    Raises:
        UserError: the file is unreadable, of another format, truncated, too long or over 1 GiB.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return _read(file, axes)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or not an idx file ({reason}): replace it") from None


def read_idx_images(path: Path) -> UnsplitDataset:
    """Greyscale images (n, 1, h, w) of an idx3 file, with the labels of the matching idx1 file, if present.

    Its name has `labels` for `images` and `idx1` for `idx3`, gzipped or not.

    Raises:
        UserError: as `read_idx`, or the numbers of labels and images differ.
    """
    values = read_idx(path, 3)[:, None]
    label_name = re.sub("idx3", "idx1", re.sub("images", "labels", path.name, flags=re.I), flags=re.I)
    plain = re.sub(r"\.gz$", "", label_name, flags=re.I)
    label_path = next(
        (path.with_name(name) for name in (label_name, plain, f"{plain}.gz") if _is_other(path, name)), None
    )
    if label_path is None:
        return UnsplitDataset(Split(values))
    labels = read_idx(label_path, 1)
    if len(labels) != len(values):
        raise UserError(f"{one_line(label_path)} holds {len(labels):,} labels for {len(values):,} images: replace one")
    names, numbers = encode_labels([str(label) for label in labels.tolist()])
    return UnsplitDataset(Split(values, numbers), names)


def _is_other(path: Path, name: str) -> bool:
    return name != path.name and path.with_name(name).is_file()


def _read(file: BinaryIO, axes: int) -> torch.Tensor:
    """Raises ValueError for invalid content."""
    head, start = file.read(4 + 4 * axes), bytes((0, 0, UNSIGNED_BYTE, axes))
    if len(head) < 4 + 4 * axes:
        raise ValueError("its header is truncated")
    if head[:4] != start:
        raise ValueError(f"it starts with {head[:4].hex()}, not {start.hex()}")
    shape = struct.unpack(f">{axes}I", head[4:])
    size = math.prod(shape)
    if not 0 < size <= MOST_BYTES:
        raise ValueError(f"its header announces {'×'.join(map(str, shape))} bytes")
    # Reads at most one byte more than announced: a gzip bomb is never unpacked, and an over-long file is detected.
    body = file.read(size + 1)
    if len(body) != size:
        raise ValueError(f"it holds {'more' if len(body) > size else len(body)} bytes, its header announces {size}")
    return torch.frombuffer(bytearray(body), dtype=torch.uint8).reshape(shape)
