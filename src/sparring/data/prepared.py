"""Format of prepared data sets: memory-mapped pixels that may exceed memory.

A folder of

- `images.bin`: uint8 (n, c, h, w), shuffled with a fixed seed; the first five sixths are the train split, the rest the
  test split;
- `labels.safetensors`: `labels` (n,) or (n, k), if labelled;
- `store.json`: shape, counts, names, skipped files and checksums.
"""

import hashlib
import json
import mmap
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from sparring.data.dataset import Dataset, Split
from sparring.data.options import Options
from sparring.errors import UserError, one_line
from sparring.storage.atomic import from_json

PREPARED_FORMAT = 1
PIXELS_FILE, LABELS_FILE, METADATA_FILE = "images.bin", "labels.safetensors", "store.json"
_PROBED = 64
"""Evenly spaced images verified whenever a set is opened; `data prepare` on an existing set verifies all."""
PREPARE_AGAIN = "delete it and prepare it again"


@dataclass(frozen=True)
class PreparedMetadata:
    """Content of `store.json`."""

    shape: tuple[int, int, int]
    """Shape of an image (c, h, w)."""
    train: int
    test: int
    names: tuple[str, ...]
    """As `Dataset.names`."""
    broken: tuple[tuple[str, str], ...]
    fingerprint: str
    """As `Dataset.fingerprint`: hash of all pixels and labels."""
    probe: str
    """sha256 of the images verified on opening, and of the labels."""
    key: str
    """Hash of the source files and options."""
    format: int = PREPARED_FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1)


def is_prepared(spec: str | Path) -> bool:
    """Whether a SPEC is the folder of a prepared data set."""
    # os.path returns False where Path raises: an over-long name, a zero byte.
    folder = os.path.expanduser(str(spec))
    return bool(folder) and os.path.isfile(os.path.join(folder, METADATA_FILE))


def read_metadata(folder: Path) -> PreparedMetadata:
    """Reads `store.json`. Raises UserError for another format version and for a damaged file."""
    try:
        metadata = from_json((folder / METADATA_FILE).read_bytes())
        if (version := metadata.get("format")) != PREPARED_FORMAT:
            raise UserError(
                f"{one_line(folder)} was prepared by another version (format {one_line(version)}, this version reads "
                f"{PREPARED_FORMAT}): {PREPARE_AGAIN}"
            )
        return TypeAdapter(PreparedMetadata).validate_python(metadata)
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise UserError(
            f"{one_line(folder / METADATA_FILE)} is damaged ({one_line(error)[:80]}): {PREPARE_AGAIN}"
        ) from None


def load_prepared(folder: Path, spec: str, options: Options) -> Dataset:
    """Opens a prepared data set without reading its pixels.

    Raises UserError for a truncated or modified set, another format version, and any option but `flip`.
    """
    metadata = read_metadata(folder)
    c, h, w = metadata.shape
    if options.size not in (None, (h, w)) or options.channels != "auto" or options.fit != "crop" or options.labels:
        raise UserError(
            f"{one_line(spec)} is prepared, with {c} channels of {h}x{w}: the only option that applies is --flip"
        )
    images = map_pixels(folder, metadata.shape, metadata.train + metadata.test)
    labels = _labels(folder, metadata)
    if probe_digest(images, labels) != metadata.probe:
        raise UserError(f"{one_line(folder)} was modified after it was prepared: {PREPARE_AGAIN}")
    every = Split(images, labels)
    parts = every[: metadata.train], every[metadata.train :]
    return Dataset(
        spec, *parts, metadata.names, metadata.fingerprint, metadata.broken, mirrored=options.flip, mapped=True
    )


def map_pixels(folder: Path, shape: tuple[int, ...], n: int) -> torch.Tensor:
    """Memory-mapped images, uint8 (n, *shape). Raises UserError for a truncated file."""
    size, path = n * torch.Size(shape).numel(), folder / PIXELS_FILE
    try:
        with open(path, "rb") as file:
            found = file.seek(0, 2)
            if found < size:
                raise UserError(f"{one_line(path)} is truncated: {found:,} of {size:,} bytes: {PREPARE_AGAIN}")
            # Copy-on-write, because torch warns of read-only buffers; nothing is written.
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise UserError(f"can't read {one_line(path)} ({error.strerror}): {PREPARE_AGAIN}") from None
    if hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)  # no read-ahead: images are read in random order
    return torch.frombuffer(mapped, dtype=torch.uint8).view(n, *shape)


def probe_digest(images: torch.Tensor, labels: torch.Tensor | None) -> str:
    """sha256 of 64 evenly spaced images and of all labels."""
    which = torch.linspace(0, len(images) - 1, min(_PROBED, len(images))).long()
    digest = hashlib.sha256(images[which].numpy().data)
    if labels is not None:
        digest.update(labels.numpy().data)
    return digest.hexdigest()


def _labels(folder: Path, metadata: PreparedMetadata) -> torch.Tensor | None:
    if not metadata.names:
        return None
    try:
        labels = load_file(folder / LABELS_FILE)["labels"]
    except (OSError, SafetensorError, KeyError) as error:
        raise UserError(
            f"{one_line(folder / LABELS_FILE)} is damaged ({one_line(error)[:80]}): {PREPARE_AGAIN}"
        ) from None
    if len(labels) != metadata.train + metadata.test:
        raise UserError(
            f"{one_line(folder / LABELS_FILE)} has {len(labels):,} labels, not one an image: {PREPARE_AGAIN}"
        )
    return labels
