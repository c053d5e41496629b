"""Images and labels of NumPy archives (.npz), without unpickling."""

import math
import zlib
from collections.abc import Callable
from lzma import LZMAError
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
import torch
from numpy.lib import format as npy

from sparring.data.dataset import Split, UnsplitDataset, encode_labels
from sparring.errors import UserError, one_line

_MAX_ARRAY_BYTES = 2**33
"""Size limit of an unpacked array, in bytes."""
_IMAGES, _LABELS = "images", "labels"
_CHUNK = 4096
_RANGE_TOLERANCE = 1e-3
"""Tolerance on the range of floats; values beyond the range are clamped."""
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class InvalidArray(Exception):
    """Unusable arrays; the message is the reason."""


def read_npz(path: Path) -> UnsplitDataset:
    """The array `images`, or the only one of 3 or 4 axes, with the array `labels`, if present.

    Layout: n×h×w, n×h×w×c or n×c×h×w. With four axes, two equal neighbours among the last three are height and width;
    otherwise the smaller of the second and the last axis is the channels, the last on a tie.

    Values: uint8 unchanged; uint16 scaled to 0..255; bool as 0 and 255; floats in [−1, 1] if any is negative, else
    in [0, 1]. Images with NaN or infinite values are skipped.

    Labels: integers or text (n,) are classes; numbers (n, k) are attributes named "0" to "k−1", and examples with NaN
    or infinite attributes are skipped.

    Raises:
        UserError: a damaged archive, arrays of Python objects, or an unsupported shape, type or range.
    """
    try:
        with ZipFile(path) as archive:
            entries = _entries(archive)
            name = _choose_images({name: shape for name, (_, shape) in entries.items()})
            images = _array(archive, entries[name][0])
            labels = _array(archive, entries[_LABELS][0]) if _LABELS in entries else None
        return dataset_from_arrays(name, images, labels)
    except InvalidArray as error:
        raise UserError(f"{one_line(path)}: {error}") from None
    except (OSError, EOFError, ValueError, BadZipFile, zlib.error, LZMAError, MemoryError, RuntimeError) as error:
        # zipfile raises RuntimeError for an encrypted entry or an unknown compression method.
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or not an npz file ({reason}): replace it") from None


def _entries(archive: ZipFile) -> dict[str, tuple[ZipInfo, tuple[int, ...]]]:
    """Entries and shapes, from the headers, by printable name.

    Raises InvalidArray for arrays of objects and for sizes over the limit.
    """
    entries = {}
    for entry in archive.infolist():
        if not entry.filename.endswith(".npy"):
            continue
        name = one_line(entry.filename.removesuffix(".npy"))
        with archive.open(entry) as file:
            shape, kind = _header(file, name)
        if kind.hasobject:
            raise InvalidArray(f"{name} holds Python objects, which are never unpickled: save plain numbers")
        if math.prod(shape) * kind.itemsize > min(_MAX_ARRAY_BYTES, entry.file_size):
            raise InvalidArray(
                f"{name} declares shape {'×'.join(map(str, shape))}, which exceeds its data or the limit"
            )
        entries[name] = entry, shape
    return entries


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = npy.read_magic(file)
        shape, _, kind = _HEADER_READERS[version](file)
    except KeyError:
        raise InvalidArray(f"{name} has an unknown npy version: save it again") from None
    except Exception as error:  # numpy parses the header as a Python literal, and any parser error may come out
        raise InvalidArray(f"{name} has a damaged header ({one_line(error)}): save it again") from None
    if min(shape, default=0) < 0:
        raise InvalidArray(f"{name} has a negative dimension: save it again")
    return shape, kind


def _choose_images(shapes: dict[str, tuple[int, ...]]) -> str:
    if _IMAGES in shapes:
        return _IMAGES
    found = [name for name, shape in shapes.items() if len(shape) in (3, 4)]
    if len(found) != 1:
        listed = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in list(shapes.items())[:8])
        raise InvalidArray(f"it holds {listed or 'no arrays'}: name the images '{_IMAGES}', n×h×w, n×h×w×c or n×c×h×w")
    return found[0]


def _array(archive: ZipFile, entry: ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        return npy.read_array(file, allow_pickle=False)


def dataset_from_arrays(name: str, images: np.ndarray, labels: np.ndarray | None) -> UnsplitDataset:
    """Images and labels by the rules of `read_npz`; `name` is for messages. Raises InvalidArray."""
    images = channels_first(images)
    if labels is not None and (labels.ndim not in (1, 2) or len(labels) != len(images)):
        raise InvalidArray(f"{_LABELS} of shape {'×'.join(map(str, labels.shape))} do not fit {len(images):,} images")
    whole = _finite(images)
    skipped = [(f"{name}[{i}]", "NaN or infinite pixels") for i in np.flatnonzero(~whole)]
    if labels is not None and labels.ndim == 2:
        finite = _finite(_numeric(labels))
        skipped += [(f"{name}[{i}]", "NaN or infinite labels") for i in np.flatnonzero(whole & ~finite)]
        whole &= finite
    values = _pixels(images if whole.all() else images[whole])
    names, numbers = _labels(labels if labels is None else labels[whole])
    return UnsplitDataset(Split(values, numbers), names, tuple(skipped))


def channels_first(images: np.ndarray) -> np.ndarray:
    """Images (n, c, h, w), by the layout rule of `read_npz`. Raises InvalidArray for other shapes."""
    if images.ndim not in (3, 4) or not images.size:
        raise InvalidArray(f"images of shape {'×'.join(map(str, images.shape))}: give n×h×w, n×h×w×c or n×c×h×w")
    if images.ndim == 3:
        return images[:, None]
    _, a, b, c = images.shape
    last = a == b or (b != c and c <= a)
    return images.transpose(0, 3, 1, 2) if last else images


def _finite(array: np.ndarray) -> np.ndarray:
    """Whether all values of each example are finite, bool (n,)."""
    if array.dtype.kind != "f":
        return np.ones(len(array), bool)
    parts = [array[start : start + _CHUNK] for start in range(0, len(array), _CHUNK)]
    return np.concatenate([np.isfinite(part).reshape(len(part), -1).all(1) for part in parts])


def _pixels(images: np.ndarray) -> torch.Tensor:
    """uint8 (n, c, h, w), converted in chunks to bound memory."""
    if images.dtype.kind == "f":
        scale = _float_scale(images)
    elif (kind := images.dtype.newbyteorder("=")) in _TO_UINT8:
        scale = _TO_UINT8[kind]
    else:
        raise InvalidArray(f"images of {images.dtype}: give uint8, uint16, or floats in [0, 1] or [-1, 1]")
    result = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        result[start : start + _CHUNK] = scale(images[start : start + _CHUNK])
    return torch.from_numpy(result)


_TO_UINT8: dict[np.dtype, Callable[[np.ndarray], np.ndarray]] = {
    np.dtype(np.uint8): lambda part: part,
    np.dtype(np.bool_): lambda part: part * np.uint8(255),
    np.dtype(np.uint16): lambda part: (part.astype(np.uint32) + 128) // 257,
}


def _float_scale(images: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    low, high = (images.min(), images.max()) if len(images) else (0, 1)
    if low < -1 - _RANGE_TOLERANCE or high > 1 + _RANGE_TOLERANCE:
        raise InvalidArray(f"floats from {low:.4g} to {high:.4g}: give uint8, or floats in [0, 1] or [-1, 1]")
    if low < -_RANGE_TOLERANCE:
        return lambda part: ((part.astype(np.float32) + 1) * 127.5).round().clip(0, 255)
    return lambda part: (part.astype(np.float32) * 255).round().clip(0, 255)


def _numeric(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        raise InvalidArray(f"{_LABELS} of {labels.dtype} in several columns: give numbers")
    return labels


def _labels(labels: np.ndarray | None) -> tuple[tuple[str, ...], torch.Tensor | None]:
    if labels is None:
        return (), None
    if labels.ndim == 2:
        return tuple(map(str, range(labels.shape[1]))), torch.from_numpy(labels.astype(np.float32))
    if labels.dtype.kind not in "iuU":
        raise InvalidArray(f"{_LABELS} of {labels.dtype}: give integers or text for classes, (n, k) for attributes")
    return encode_labels([one_line(label) for label in labels.tolist()])
