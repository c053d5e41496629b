"""Worker processes that decode images into one file.

Must not import torch: that takes a process as long as decoding thousands of images.
"""

import multiprocessing
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from sparring.data.files import FileSource
from sparring.data.image.channels import stack_images
from sparring.data.image.file import UnreadableImage, read_image
from sparring.errors import UserError

DecodeBatch = list[tuple[int, int]]
"""(index in the source, position in the file) of each item to decode."""
_TIMEOUT = 3600.0
"""Seconds without a finished batch, 1/200 of a worker's share, after which the workers are killed."""
_IN_COLOUR = "in colour, but the images inspected first were grey: prepare with --channels rgb"


@dataclass(frozen=True)
class DecodeOptions:
    """Settings of an `ImageDecoder`."""

    size: tuple[int, int]
    fit: str
    channels: str
    guessed: bool
    """Whether `channels` was inferred from some of the images."""
    out: Path


class ImageDecoder:
    def __init__(self, source: FileSource, work: DecodeOptions):
        self.source, self.work = source, work
        self.file = os.open(work.out, os.O_WRONLY)

    def __call__(self, batch: DecodeBatch) -> list[tuple[int, str]]:
        """Writes the images of a batch; returns (index, reason) of skipped items. Raises OSError for a full disk."""
        work, skipped, good = self.work, [], []
        for index, place in batch:
            try:
                image = read_image(self.source.items[index].open, work.size, work.fit)
                if work.guessed and work.channels == "grey" and image.shape[2] > 2:
                    raise UnreadableImage(_IN_COLOUR)
                good.append((place, image))
            except UnreadableImage as error:
                skipped.append((index, str(error)))
        if good:
            for (place, _), row in zip(good, stack_images([image for _, image in good], work.channels), strict=True):
                os.pwrite(self.file, row.data, place * row.nbytes)
        return skipped


def decode_batches(
    batches: Sequence[DecodeBatch], work: DecodeOptions, source: FileSource, workers: int
) -> Iterator[tuple[DecodeBatch, list[tuple[int, str]]]]:
    """Yields each finished batch with its skipped items, decoded in this process or in several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if workers == 1:
            decoder = ImageDecoder(source, work)
            yield from ((batch, decoder(batch)) for batch in batches)
        else:
            yield from _decode_in_processes(batches, work, source, workers)


def _decode_in_processes(
    batches, work: DecodeOptions, source: FileSource, workers: int
) -> Iterator[tuple[DecodeBatch, list[tuple[int, str]]]]:
    remaining = iter(batches)
    spawn, others = multiprocessing.get_context("spawn"), set(multiprocessing.active_children())
    try:
        with ProcessPoolExecutor(workers, spawn, _initialise, (source, work)) as pool:
            waiting: dict[Future, DecodeBatch] = {
                pool.submit(_decode, batch): batch for batch in islice(remaining, 2 * workers)
            }
            while waiting:
                ready = wait(waiting, _TIMEOUT, FIRST_COMPLETED).done
                if not ready:
                    for process in set(multiprocessing.active_children()) - others:
                        process.kill()  # otherwise the pool waits for it on exit
                for done in ready:
                    yield waiting.pop(done), done.result()
                    waiting |= {pool.submit(_decode, batch): batch for batch in islice(remaining, 1)}
    except BrokenProcessPool:
        raise UserError(
            f"a decoding process died or did nothing for {_TIMEOUT:g} s, perhaps for lack of memory or of access to "
            "the files: repeat the command with fewer --workers"
        ) from None


_decoder: ImageDecoder | None = None
"""Decoder of this worker process; None in the main process."""


def _initialise(source: FileSource, work: DecodeOptions) -> None:
    global _decoder
    warnings.simplefilter("ignore")
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _decoder = ImageDecoder(source, work)


def _die_with_parent() -> None:
    """Exits when the parent is killed: executors would leave their processes waiting."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _decode(batch: DecodeBatch) -> list[tuple[int, str]]:
    assert _decoder is not None
    return _decoder(batch)
