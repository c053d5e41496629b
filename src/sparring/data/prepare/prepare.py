"""`spar data prepare`: pictures, wherever they are, become a prepared set (see `sparring.data.prepare.format`).

Each image has a place drawn by a fixed seed, and is written there as soon as it is decoded; what is done is noted in
`done.jsonl`, so that the same command goes on after an interruption. In the end the last images fill the places of
those left out.
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
from sparring.data.image.channels import CHANNEL_COUNTS, CHANNEL_NAMES, choose_channels
from sparring.data.image.file import UnreadableImage, read_header, read_image
from sparring.data.image.read import SkippedList, cache_key, default_size, encode_item_labels, label_items, read_headers
from sparring.data.options import Options
from sparring.data.prepare.format import (
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
from sparring.data.prepare.format import METADATA_FILE as STORE
from sparring.data.prepare.progress_log import read_progress
from sparring.data.prepare.workers import DecodeBatch, DecodeOptions, decode_batches
from sparring.data.scan.checks import run_checks
from sparring.data.scan.image_set import ScannedImages
from sparring.data.sources.item import FileItem, FileSource, LabelFile
from sparring.data.sources.labels import read_labels
from sparring.errors import UserError, one_line
from sparring.progress import progress_range
from sparring.storage.atomic import PART, atomic_write, from_json

BEGUN_FILE, PROGRESS_FILE = "begun.json", "done.jsonl"
_INSPECTED = 500
"""Images that tell the size and the channels of a set, where none are asked for."""
_BATCHES_PER_WORKER, _MIN_BATCH, _MAX_BATCH = 200, 16, 1024
"""A worker decodes at least so many pieces: what an interruption loses is a piece of each. And images in a piece."""
_MIN_IMAGES_PER_WORKER = 1_000
"""Images that are worth a process of their own, which takes as long to start as some hundreds take."""


class PreparePlan(NamedTuple):
    """What is to be done, the same whenever it is asked for."""

    source: FileSource
    indices: list[int]
    """Of the items that have a label, if any have."""
    items: list[FileItem]
    """These."""
    attributes: tuple[str, ...]
    broken: SkippedList
    places: list[int]
    """In the file, by item."""
    work: DecodeOptions


def prepare_dataset(
    source: FileSource, out: Path, options: Options, workers: int, drop: tuple[str, ...] = ()
) -> tuple[PreparedMetadata, int]:
    """Writes the set, or goes on with it; one that is there already is checked, every pixel of it.

    Args:
        drop: the findings whose suspects are left out (`sparring.data.scan.checks.DROPPED`).

    Returns:
        What was written, and how many images were decoded now.

    Raises:
        UserError: another set in the folder, too little room, fewer than two usable images, a set that was changed.
    """
    if options.flip:
        raise UserError("mirrored copies are made in training, not kept: leave --flip out here")
    if workers < 1:
        raise UserError(f"workers is {workers}: it must be 1 or more")
    file = read_labels(Path(options.labels).expanduser()) if options.labels else source.labels
    key = cache_key(source, options, file)
    key = hashlib.sha256(repr((key, drop)).encode()).hexdigest() if drop else key
    if is_prepared(out):
        return _verify(out, key), 0
    plan = _plan(source, out, options, file, key)
    try:
        done, broken, suspected = read_progress(out / PROGRESS_FILE)
        left = [i for i in range(len(plan.items)) if i not in done]
        workers = max(1, min(workers, len(left) // _MIN_IMAGES_PER_WORKER))
        broken |= _decode(plan, left, out, workers)
        if drop and not suspected:
            broken |= _find_suspects(plan, broken, out, drop)
        return _finalise(plan, broken, out, key), len(left)
    except OSError as error:
        raise UserError(f"can't write {one_line(out)}: {error.strerror}; the same command goes on with it") from None


def _verify(out: Path, key: str) -> PreparedMetadata:
    held = read_metadata(out)
    if held.key != key:
        raise UserError(f"{one_line(out)} was prepared from other files or options: choose another OUT")
    data = load_prepared(out, str(out), Options())
    if digest(data.train, data.test)[:16] != held.fingerprint:
        raise UserError(f"{one_line(out)} is not what was prepared, its fingerprint has changed: {PREPARE_AGAIN}")
    return held


def _plan(source: FileSource, out: Path, options: Options, file: LabelFile | None, key: str) -> PreparePlan:
    """Begins the folder, or takes up what was begun. Raises UserError for another set, and for too little room."""
    items, attributes, broken = label_items(source, file, asked=options.labels is not None)
    numbers = {item.name: i for i, item in enumerate(source.items)}
    places = torch.randperm(len(items), generator=torch.Generator().manual_seed(SPLIT_SEED)).tolist()
    begun = out / BEGUN_FILE
    if begun.is_file():
        known, size, channels = _read_begun(begun)
        if known != key:
            raise UserError(f"{one_line(out)} was begun from other files or options: choose another OUT")
    else:
        _check_free(out)
        size, channels = _infer_size_and_channels(items, places, options)
    held = {"key": key, "size": size, "channels": channels}
    _allocate(out, len(items) * CHANNEL_COUNTS[channels] * size[0] * size[1], held)
    guessed = options.channels == "auto"
    work = DecodeOptions(size, options.fit, channels, guessed, out / PIXELS_FILE)
    return PreparePlan(source, [numbers[item.name] for item in items], items, attributes, broken, places, work)


def _read_begun(begun: Path) -> tuple[str, tuple[int, int], str]:
    """Key, size and channels. Raises UserError for a file that is not what was written."""
    try:
        held = from_json(begun.read_bytes())
        height, width = map(int, held["size"])
        return str(held["key"]), (height, width), CHANNEL_NAMES[CHANNEL_COUNTS[held["channels"]]]
    except (ValueError, TypeError, LookupError) as error:
        raise UserError(f"{one_line(begun)} is damaged ({one_line(error)[:80]}): choose another OUT") from None


def _check_free(out: Path) -> None:
    """Raises UserError if something is there that was not begun here."""
    held = out.exists() and (not out.is_dir() or any(path.suffix != PART for path in out.iterdir()))
    if held:
        raise UserError(f"{one_line(out)} exists already, and is no prepared set: choose another OUT")


def _infer_size_and_channels(items: list[FileItem], places: list[int], options: Options) -> tuple[tuple[int, int], str]:
    """Size and channels, as asked for or as a few images suggest."""
    few = [item for item, place in zip(items, places, strict=True) if place < _INSPECTED]
    if not items:
        raise UserError("no images were found there: give a folder, zip, tar or parquet file of images")
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
    """The folder, what is begun there, and the room for all pixels, unless it was made before; so that a full disk is
    told before the work and not in it."""
    if (out / PIXELS_FILE).is_file() and (out / PIXELS_FILE).stat().st_size >= size:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / PIXELS_FILE).unlink(missing_ok=True)
        free = shutil.disk_usage(out).free
        if size > free:
            raise UserError(f"{one_line(out)} needs {size / 1e9:,.1f} GB, and its disk has {free / 1e9:,.1f} GB left")
        with atomic_write(out / BEGUN_FILE) as path:
            path.write_text(json.dumps(begun))
        (out / PROGRESS_FILE).unlink(missing_ok=True)  # of pixels that are gone
        with open(out / PIXELS_FILE, "wb") as file:
            if hasattr(os, "posix_fallocate") and size:
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
    except OSError as error:
        raise UserError(f"can't write {one_line(out)}: {error.strerror}") from None


def _decode(plan: PreparePlan, left: list[int], out: Path, workers: int) -> dict[int, str]:
    """Decodes what is left; returns what of it was left out, by item."""
    size = max(_MIN_BATCH, min(_MAX_BATCH, len(plan.items) // (_BATCHES_PER_WORKER * workers)))
    parts = [left[i : i + size] for i in range(0, len(left), size)]
    pieces: list[DecodeBatch] = [[(plan.indices[i], plan.places[i]) for i in part] for part in parts]
    of = {index: i for i, index in enumerate(plan.indices)}
    broken: dict[int, str] = {}
    with open(out / PROGRESS_FILE, "a") as notes, open(plan.work.out, "rb") as images:
        results = decode_batches(pieces, plan.work, plan.source, workers)
        for _, (piece, wrong) in zip(progress_range(len(pieces), "preparing"), results, strict=False):
            os.fsync(images.fileno())  # what is noted as done is on the disk
            missing = [(of[index], why) for index, why in wrong]
            notes.write(json.dumps({"items": [of[index] for index, _ in piece], "broken": missing}) + "\n")
            notes.flush()
            broken |= dict(missing)
    return broken


def _find_suspects(plan: PreparePlan, broken: dict[int, str], out: Path, drop: tuple[str, ...]) -> dict[int, str]:
    """The suspects among what was decoded, by item; noted, for when the gaps are filled the same can't be found."""
    kept = [i for i in range(len(plan.items)) if i not in broken]
    images = map_pixels(out, (CHANNEL_COUNTS[plan.work.channels], *plan.work.size), len(plan.items))
    places = torch.tensor([plan.places[i] for i in kept], dtype=torch.long)
    names, labels = encode_item_labels([plan.items[i].label for i in kept], plan.attributes) if kept else ((), None)
    classes = None if labels is None or labels.is_floating_point() else labels.numpy()
    seen = read_headers(plan.source) if "tiny" in drop else []
    sizes = [each.size if (each := seen[plan.indices[i]]) else plan.work.size for i in kept] if seen else []
    where = [plan.items[i].name for i in kept]
    test = np.zeros(len(kept), bool)  # parts are made of what is left
    looked = ScannedImages(lambda which: images[places[which]], where, test, classes, names, sizes)
    suspects: dict[int, str] = {}
    for found in run_checks(looked, drop):
        for index, (_, why) in zip(found.which, found.where, strict=True):
            suspects.setdefault(kept[index], f"{found.name}: {why}")
    with open(out / PROGRESS_FILE, "a") as notes:
        notes.write(json.dumps({"items": [], "broken": list(suspects.items()), "suspected": True}) + "\n")
        notes.flush()
        os.fsync(notes.fileno())
    return suspects


def _finalise(plan: PreparePlan, broken: dict[int, str], out: Path, key: str) -> PreparedMetadata:
    """Fills the gaps, writes labels and `store.json`; can be done again if it is interrupted anywhere."""
    items, places = plan.items, plan.places
    order, names, labels = _arrange(plan, broken)
    if len(order) < 2:
        why = f", such as {one_line(items[next(iter(broken))].name)}: {next(iter(broken.values()))}" if broken else ""
        raise UserError(f"{one_line(plan.source.path)} has {len(order)} usable images, and 2 are needed{why}")
    shape, cut = (CHANNEL_COUNTS[plan.work.channels], *plan.work.size), len(order) - _test_count(order)
    _move(out / PIXELS_FILE, [places[i] for i in order], torch.Size(shape).numel())
    every = Split(map_pixels(out, shape, len(order)), labels)
    if labels is not None:
        with atomic_write(out / LABELS_FILE) as path:
            save_file({"labels": labels}, path)
    left = sorted({*plan.source.skipped, *plan.broken, *((items[i].name, why) for i, why in broken.items())})
    fingerprint = digest(every[:cut], every[cut:])[:16]
    held = PreparedMetadata(
        shape, cut, _test_count(order), names, tuple(left), fingerprint, probe_digest(every.values, labels), key
    )
    with atomic_write(out / STORE) as path:
        path.write_text(held.text())
    for name in (BEGUN_FILE, PROGRESS_FILE):
        (out / name).unlink(missing_ok=True)
    os.truncate(out / PIXELS_FILE, every.values.numel())
    return held


def _arrange(plan: PreparePlan, broken: dict[int, str]) -> tuple[list[int], tuple[str, ...], torch.Tensor | None]:
    """The item at each place, the names of classes or attributes, and labels; adds to `broken` those of classes that
    would be in the test part alone."""
    while True:
        good = sorted((place, i) for i, place in enumerate(plan.places) if i not in broken)
        order = _fill_gaps([i for _, i in good], plan.places)
        names, labels = (
            encode_item_labels([plan.items[i].label for i in order], plan.attributes) if order else ((), None)
        )
        alone = _test_only(labels, _test_count(order))
        if not alone:
            return order, names, labels
        broken |= {order[j]: "those left of its class are all in the test part" for j in alone}


def _test_count(order: list[int]) -> int:
    """Of these, for the test part."""
    return -(-len(order) // TEST_EVERY)


def _fill_gaps(order: list[int], places: list[int]) -> list[int]:
    """The same items, those beyond the end in the places of those that are gone."""
    n = len(order)
    held = {places[i]: i for i in order}
    beyond = iter([i for i in order if places[i] >= n])
    return [held[place] if place in held else next(beyond) for place in range(n)]


def _test_only(labels: torch.Tensor | None, test: int) -> list[int]:
    """The examples of the test part whose class has none in the train part."""
    if labels is None or labels.is_floating_point():
        return []
    cut = len(labels) - test
    lone = set(labels[cut:].tolist()) - set(labels[:cut].tolist())
    return [cut + j for j, label in enumerate(labels[cut:].tolist()) if label in lone]


def _move(path: Path, froms: list[int], row: int) -> None:
    """Copies image `froms[place]` to each place it is not in; what is copied from lies beyond the end, and stays."""
    with open(path, "r+b") as file:
        for place, place_before in enumerate(froms):
            if place != place_before:
                os.pwrite(file.fileno(), os.pread(file.fileno(), row, place_before * row), place * row)
        os.fsync(file.fileno())
