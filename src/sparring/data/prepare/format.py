"""A prepared set: pixels in one file that is mapped into memory, never read into it.

A folder of

- `images.bin`: uint8 (n, c, h, w), in an order drawn by a fixed seed, so that its first five sixths are the train part
  and the rest the test part;
- `labels.safetensors`: `labels` (n,) or (n, k), if there are any;
- `store.json`: shape, counts, names, what was left out, and how to tell that all this is whole.

So a set may be larger than memory: the system keeps in it what was read last, and forgets it when it needs room.
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
"""Images, evenly spread, that are looked at whenever a set is opened; all of them are when it is prepared again."""
PREPARE_AGAIN = "delete it and prepare it again"


@dataclass(frozen=True)
class PreparedMetadata:
    """What `store.json` holds."""

    shape: tuple[int, int, int]
    """Of an image: c, h, w."""
    train: int
    test: int
    names: tuple[str, ...]
    """As `Data.names`."""
    broken: tuple[tuple[str, str], ...]
    fingerprint: str
    """As `Data.fingerprint`: of every pixel and label."""
    probe: str
    """sha256 of the images that are looked at."""
    key: str
    """Of the files and options it was made from."""
    format: int = PREPARED_FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1)


def is_prepared(spec: str | Path) -> bool:
    """Whether a SPEC, whatever it is, is the folder of a prepared set."""
    # os.path answers for what Path would raise for: a name too long, a zero byte.
    folder = os.path.expanduser(str(spec))
    return bool(folder) and os.path.isfile(os.path.join(folder, METADATA_FILE))


def read_metadata(folder: Path) -> PreparedMetadata:
    """Raises UserError for a set that another version wrote, and for one that can't be understood."""
    try:
        held = from_json((folder / METADATA_FILE).read_bytes())
        if held.get("format") != PREPARED_FORMAT:
            raise UserError(
                f"{one_line(folder)} was prepared by another version (format {one_line(held.get('format'))}, and this "
                f"one reads {PREPARED_FORMAT}): {PREPARE_AGAIN}"
            )
        return TypeAdapter(PreparedMetadata).validate_python(held)
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise UserError(
            f"{one_line(folder / METADATA_FILE)} is damaged ({one_line(error)[:80]}): {PREPARE_AGAIN}"
        ) from None


def load_prepared(folder: Path, spec: str, options: Options) -> Dataset:
    """Raises UserError for a set that ends early, was changed or comes of another version; for options but `flip`."""
    held = read_metadata(folder)
    c, h, w = held.shape
    if options.size not in (None, (h, w)) or options.channels != "auto" or options.fit != "crop" or options.labels:
        raise UserError(
            f"{one_line(spec)} is prepared, with {c} channels of {h}x{w}: leave out how to read it, but for --flip"
        )
    images = map_pixels(folder, held.shape, held.train + held.test)
    labels = _labels(folder, held)
    if probe_digest(images, labels) != held.probe:
        raise UserError(f"{one_line(folder)} is not what was prepared, its pixels have changed: {PREPARE_AGAIN}")
    every = Split(images, labels)
    parts = every[: held.train], every[held.train :]
    return Dataset(spec, *parts, held.names, held.fingerprint, held.broken, mirrored=options.flip, mapped=True)


def map_pixels(folder: Path, shape: tuple[int, ...], n: int) -> torch.Tensor:
    """uint8 (n, *shape), mapped: pages are read when they are touched. Raises UserError for a file that ends early."""
    size, path = n * torch.Size(shape).numel(), folder / PIXELS_FILE
    try:
        with open(path, "rb") as file:
            found = file.seek(0, 2)
            if found < size:
                raise UserError(f"{one_line(path)} ends early, at {found:,} of {size:,} bytes: {PREPARE_AGAIN}")
            # Private and writable, or torch would warn; nobody writes.
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise UserError(f"can't read {one_line(path)} ({error.strerror}): {PREPARE_AGAIN}") from None
    if hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)  # or the system reads what lies around each image, and throws it away
    return torch.frombuffer(mapped, dtype=torch.uint8).view(n, *shape)


def probe_digest(images: torch.Tensor, labels: torch.Tensor | None) -> str:
    which = torch.linspace(0, len(images) - 1, min(_PROBED, len(images))).long()
    digest = hashlib.sha256(images[which].numpy().data)
    if labels is not None:
        digest.update(labels.numpy().data)
    return digest.hexdigest()


def _labels(folder: Path, held: PreparedMetadata) -> torch.Tensor | None:
    if not held.names:
        return None
    try:
        labels = load_file(folder / LABELS_FILE)["labels"]
    except (OSError, SafetensorError, KeyError) as error:
        raise UserError(
            f"{one_line(folder / LABELS_FILE)} is damaged ({one_line(error)[:80]}): {PREPARE_AGAIN}"
        ) from None
    if len(labels) != held.train + held.test:
        raise UserError(
            f"{one_line(folder / LABELS_FILE)} has {len(labels):,} labels, not one an image: {PREPARE_AGAIN}"
        )
    return labels
