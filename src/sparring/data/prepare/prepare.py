"""Writes prepared data sets, resumably (see `sparring.data.prepared`).

Each image is decoded directly to its position in the file, drawn with a fixed seed. `done.jsonl` logs decoded images,
so that the same command continues after an interruption. At the end, the last images fill the gaps of skipped ones.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file

from sparring.data.dataset import SPLIT_SEED, TEST_EVERY, Split, digest
from sparring.data.files import FileItem, FileSource, LabelFile
from sparring.data.image.channels import CHANNEL_COUNTS, CHANNEL_NAMES, choose_channels
from sparring.data.image.file import UnreadableImage, read_header, read_image
from sparring.data.image.read import SkippedList, cache_key, default_size, encode_item_labels, label_items, read_headers
from sparring.data.label_files import read_labels
from sparring.data.options import Options
from sparring.data.prepare.progress_log import read_progress
from sparring.data.prepare.workers import DecodeBatch, DecodeOptions, decode_batches
from sparring.data.prepared import (
    LABELS_FILE,
    PIXELS_FILE,
    PREPARE_AGAIN,
    PreparedMetadata,
    is_prepared,
    load_prepared,
    map_pixels,
    probe_digest,
    read_metadata,
)
from sparring.data.prepared import METADATA_FILE as STORE
from sparring.data.scan.checks import run_checks
from sparring.data.scan.image_set import ScannedImages
from sparring.errors import UserError, one_line
from sparring.errors.bounds import check_bounds
from sparring.progress import progress_range
from sparring.storage.atomic import PART, atomic_write, from_json

BEGUN_FILE, PROGRESS_FILE = "begun.json", "done.jsonl"
_INSPECTED = 500
"""Images from which default size and channels are inferred."""
_BATCHES_PER_WORKER, _MIN_BATCH, _MAX_BATCH = 200, 16, 1024
"""Batches per worker, and bounds on the images of a batch. An interruption loses one batch per worker."""
_MIN_IMAGES_PER_WORKER = 1_000
"""Images per worker process, at least: a process takes as long to start as decoding some hundred images."""


class PreparePlan(NamedTuple):
    """Items and positions; deterministic, so that an interrupted preparation can continue."""

    source: FileSource
    indices: list[int]
    """Index in the source of each item."""
    items: list[FileItem]
    """Usable items; the labelled ones, if any is labelled."""
    attributes: tuple[str, ...]
    skipped: SkippedList
    positions: list[int]
    """Position in the file of each item."""
    options: DecodeOptions


def prepare_dataset(
    source: FileSource, out: Path, options: Options, workers: int, drop: tuple[str, ...] = ()
) -> tuple[PreparedMetadata, int]:
    """Writes a prepared data set, continues an interrupted one, or verifies every pixel of a finished one.

    Args:
        drop: checks whose suspects are left out (`sparring.data.scan.checks.DROPPABLE`).

    Returns:
        The set's metadata, and the number of images decoded by this call.

    Raises:
        UserError: `out` holds something else or was modified, too little disk space, fewer than two usable images.
    """
    if options.flip:
        raise UserError("--flip applies in training, not to prepared files: leave it out")
    check_bounds(workers=workers)
    file = read_labels(Path(options.labels).expanduser()) if options.labels else source.labels
    key = cache_key(source, options, file)
    key = hashlib.sha256(repr((key, drop)).encode()).hexdigest() if drop else key
    if is_prepared(out):
        return _verify(out, key), 0
    plan = _plan(source, out, options, file, key)
    try:
        done, skipped, suspected = read_progress(out / PROGRESS_FILE)
        left = [i for i in range(len(plan.items)) if i not in done]
        workers = max(1, min(workers, len(left) // _MIN_IMAGES_PER_WORKER))
        skipped |= _decode(plan, left, out, workers)
        if drop and not suspected:
            skipped |= _find_suspects(plan, skipped, out, drop)
        return _finalise(plan, skipped, out, key), len(left)
    except OSError as error:
        raise UserError(f"can't write {one_line(out)}: {error.strerror}; repeat the command to continue") from None


def _verify(out: Path, key: str) -> PreparedMetadata:
    metadata = read_metadata(out)
    if metadata.key != key:
        raise UserError(f"{one_line(out)} was prepared from other files or options: choose another OUT")
    data = load_prepared(out, str(out), Options())
    if digest(data.train, data.test)[:16] != metadata.fingerprint:
        raise UserError(f"{one_line(out)} was modified after it was prepared: {PREPARE_AGAIN}")
    return metadata


def _plan(source: FileSource, out: Path, options: Options, file: LabelFile | None, key: str) -> PreparePlan:
    """Starts or continues the output folder. Raises UserError for another data set and for too little disk space."""
    items, attributes, skipped = label_items(source, file, asked=options.labels is not None)
    numbers = {item.name: i for i, item in enumerate(source.items)}
    positions = torch.randperm(len(items), generator=torch.Generator().manual_seed(SPLIT_SEED)).tolist()
    begun = out / BEGUN_FILE
    if begun.is_file():
        known, size, channels = _read_begun(begun)
        if known != key:
            raise UserError(f"{one_line(out)} was begun from other files or options: choose another OUT")
    else:
        _check_free(out)
        size, channels = _infer_size_and_channels(items, positions, options)
    metadata = {"key": key, "size": size, "channels": channels}
    _allocate(out, len(items) * CHANNEL_COUNTS[channels] * size[0] * size[1], metadata)
    guessed = options.channels == "auto"
    work = DecodeOptions(size, options.fit, channels, guessed, out / PIXELS_FILE)
    return PreparePlan(source, [numbers[item.name] for item in items], items, attributes, skipped, positions, work)


def _read_begun(begun: Path) -> tuple[str, tuple[int, int], str]:
    """Key, size and channels of an interrupted preparation. Raises UserError for a damaged file."""
    try:
        metadata = from_json(begun.read_bytes())
        height, width = map(int, metadata["size"])
        return str(metadata["key"]), (height, width), CHANNEL_NAMES[CHANNEL_COUNTS[metadata["channels"]]]
    except (ValueError, TypeError, LookupError) as error:
        raise UserError(f"{one_line(begun)} is damaged ({one_line(error)[:80]}): choose another OUT") from None


def _check_free(out: Path) -> None:
    """Raises UserError if the output exists and holds anything but temporary files."""
    if out.exists() and (not out.is_dir() or any(path.suffix != PART for path in out.iterdir())):
        raise UserError(f"{one_line(out)} exists and is not a prepared data set: choose another OUT")


def _infer_size_and_channels(
    items: list[FileItem], positions: list[int], options: Options
) -> tuple[tuple[int, int], str]:
    """Size and channels: those of the options, or inferred from some of the images."""
    few = [item for item, position in zip(items, positions, strict=True) if position < _INSPECTED]
    if not items:
        raise UserError("no images found: give a folder, zip, tar or parquet file of images")
    found, counts = [], []
    for item in few:
        try:
            found.append(read_header(item.open))
            counts.append(read_image(item.open, (8, 8)).shape[2])
        except UnreadableImage:
            continue
    return options.size or default_size(found), choose_channels(
        counts
    ) if options.channels == "auto" else options.channels


def _allocate(out: Path, size: int, begun: dict) -> None:
    """Creates the folder and allocates the pixel file, unless done before: a full disk fails here, before the work."""
    if (out / PIXELS_FILE).is_file() and (out / PIXELS_FILE).stat().st_size >= size:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / PIXELS_FILE).unlink(missing_ok=True)
        free = shutil.disk_usage(out).free
        if size > free:
            raise UserError(f"{one_line(out)} needs {size / 1e9:,.1f} GB, its disk has {free / 1e9:,.1f} GB free")
        with atomic_write(out / BEGUN_FILE) as path:
            path.write_text(json.dumps(begun))
        (out / PROGRESS_FILE).unlink(missing_ok=True)  # its pixels are gone
        with open(out / PIXELS_FILE, "wb") as file:
            if hasattr(os, "posix_fallocate") and size:
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
    except OSError as error:
        raise UserError(f"can't write {one_line(out)}: {error.strerror}") from None


def _decode(plan: PreparePlan, left: list[int], out: Path, workers: int) -> dict[int, str]:
    """Decodes the remaining items; returns the skipped ones with the reason."""
    size = max(_MIN_BATCH, min(_MAX_BATCH, len(plan.items) // (_BATCHES_PER_WORKER * workers)))
    parts = [left[i : i + size] for i in range(0, len(left), size)]
    pieces: list[DecodeBatch] = [[(plan.indices[i], plan.positions[i]) for i in part] for part in parts]
    of = {index: i for i, index in enumerate(plan.indices)}
    skipped: dict[int, str] = {}
    with open(out / PROGRESS_FILE, "a") as notes, open(plan.options.out, "rb") as images:
        results = decode_batches(pieces, plan.options, plan.source, workers)
        for _, (piece, wrong) in zip(progress_range(len(pieces), "preparing"), results, strict=False):
            os.fsync(images.fileno())  # pixels must be on disk before the log says so
            missing = [(of[index], why) for index, why in wrong]
            notes.write(json.dumps({"items": [of[index] for index, _ in piece], "broken": missing}) + "\n")
            notes.flush()
            skipped |= dict(missing)
    return skipped


def _find_suspects(plan: PreparePlan, skipped: dict[int, str], out: Path, drop: tuple[str, ...]) -> dict[int, str]:
    """Suspects among the decoded items, with the reason; logged, as filling gaps destroys the evidence."""
    kept = [i for i in range(len(plan.items)) if i not in skipped]
    images = map_pixels(out, (CHANNEL_COUNTS[plan.options.channels], *plan.options.size), len(plan.items))
    positions = torch.tensor([plan.positions[i] for i in kept], dtype=torch.long)
    names, labels = encode_item_labels([plan.items[i].label for i in kept], plan.attributes) if kept else ((), None)
    classes = None if labels is None or labels.is_floating_point() else labels.numpy()
    seen = read_headers(plan.source) if "tiny" in drop else []
    sizes = [each.size if (each := seen[plan.indices[i]]) else plan.options.size for i in kept] if seen else []
    where = [plan.items[i].name for i in kept]
    test = np.zeros(len(kept), bool)  # the splits are not made yet
    images_to_check = ScannedImages(lambda which: images[positions[which]], where, test, classes, names, sizes)
    suspects: dict[int, str] = {}
    for found in run_checks(images_to_check, drop):
        for index, (_, why) in zip(found.which, found.where, strict=True):
            suspects.setdefault(kept[index], f"{found.name}: {why}")
    with open(out / PROGRESS_FILE, "a") as notes:
        notes.write(json.dumps({"items": [], "broken": list(suspects.items()), "suspected": True}) + "\n")
        notes.flush()
        os.fsync(notes.fileno())
    return suspects


def _finalise(plan: PreparePlan, skipped: dict[int, str], out: Path, key: str) -> PreparedMetadata:
    """Fills the gaps, writes labels and `store.json`. Can be repeated after an interruption at any point."""
    items, positions = plan.items, plan.positions
    order, names, labels = _arrange(plan, skipped)
    if len(order) < 2:
        why = (
            f", such as {one_line(items[next(iter(skipped))].name)}: {next(iter(skipped.values()))}" if skipped else ""
        )
        raise UserError(f"{one_line(plan.source.path)} has {len(order)} usable images, 2 or more are needed{why}")
    shape, cut = (CHANNEL_COUNTS[plan.options.channels], *plan.options.size), len(order) - _test_count(order)
    _move(out / PIXELS_FILE, [positions[i] for i in order], torch.Size(shape).numel())
    every = Split(map_pixels(out, shape, len(order)), labels)
    if labels is not None:
        with atomic_write(out / LABELS_FILE) as path:
            save_file({"labels": labels}, path)
    left = sorted({*plan.source.skipped, *plan.skipped, *((items[i].name, why) for i, why in skipped.items())})
    fingerprint = digest(every[:cut], every[cut:])[:16]
    metadata = PreparedMetadata(
        shape, cut, _test_count(order), names, tuple(left), fingerprint, probe_digest(every.values, labels), key
    )
    with atomic_write(out / STORE) as path:
        path.write_text(metadata.text())
    for name in (BEGUN_FILE, PROGRESS_FILE):
        (out / name).unlink(missing_ok=True)
    os.truncate(out / PIXELS_FILE, every.values.numel())
    return metadata


def _arrange(plan: PreparePlan, skipped: dict[int, str]) -> tuple[list[int], tuple[str, ...], torch.Tensor | None]:
    """The item at each position, class or attribute names, and labels.

    Adds items to `skipped` whose class would only occur in the test split.
    """
    while True:
        good = sorted((position, i) for i, position in enumerate(plan.positions) if i not in skipped)
        order = _fill_gaps([i for _, i in good], plan.positions)
        names, labels = (
            encode_item_labels([plan.items[i].label for i in order], plan.attributes) if order else ((), None)
        )
        alone = _test_only(labels, _test_count(order))
        if not alone:
            return order, names, labels
        skipped |= {order[j]: "its class has no image left in the train split" for j in alone}


def _test_count(order: list[int]) -> int:
    """Size of the test split."""
    return -(-len(order) // TEST_EVERY)


def _fill_gaps(order: list[int], positions: list[int]) -> list[int]:
    """The same items, with those beyond the end moved to the gaps."""
    n = len(order)
    item_at = {positions[i]: i for i in order}
    beyond = iter([i for i in order if positions[i] >= n])
    return [item_at[i] if i in item_at else next(beyond) for i in range(n)]


def _test_only(labels: torch.Tensor | None, test: int) -> list[int]:
    """Indices of test examples whose class does not occur in the train split."""
    if labels is None or labels.is_floating_point():
        return []
    cut = len(labels) - test
    lone = set(labels[cut:].tolist()) - set(labels[:cut].tolist())
    return [cut + j for j, label in enumerate(labels[cut:].tolist()) if label in lone]


def _move(path: Path, sources: list[int], row: int) -> None:
    """Copies the image at `sources[i]` to position i where they differ. Sources lie beyond the end and stay intact."""
    with open(path, "r+b") as file:
        for position, source in enumerate(sources):
            if position != source:
                os.pwrite(file.fileno(), os.pread(file.fileno(), row, source * row), position * row)
        os.fsync(file.fileno())
