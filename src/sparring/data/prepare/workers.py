"""Decoding in processes of their own, each of which writes images to their places in one file.

Nothing here imports torch, which would take a process as long as thousands of pictures.
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
from multiprocessing.connection import wait as ended
from pathlib import Path

from sparring.data.image.channels import stack_images
from sparring.data.image.file import UnreadableImage, read_image
from sparring.data.sources.item import FileSource
from sparring.errors import UserError

DecodeBatch = list[tuple[int, int]]
"""Items to decode: the index in the source, and the place in the file."""
_TIMEOUT = 3600.0
"""Seconds without a piece done, a two-hundredth of a worker's share, after which the workers are given up."""
_IN_COLOUR = "in colour, where those looked at first were grey: prepare with --channels rgb"


@dataclass(frozen=True)
class DecodeOptions:
    """What a decoder has to know."""

    size: tuple[int, int]
    fit: str
    channels: str
    guessed: bool
    """Whether the channels are "auto"'s answer, not a person's."""
    out: Path


class ImageDecoder:
    def __init__(self, source: FileSource, work: DecodeOptions):
        self.source, self.work = source, work
        self.file = os.open(work.out, os.O_WRONLY)

    def __call__(self, piece: DecodeBatch) -> list[tuple[int, str]]:
        """Writes the images of a piece; returns those left out, with the reason. Raises OSError for a full disk."""
        work, broken, good = self.work, [], []
        for index, place in piece:
            try:
                image = read_image(self.source.items[index].open, work.size, work.fit)
                if work.guessed and work.channels == "grey" and image.shape[2] > 2:
                    raise UnreadableImage(_IN_COLOUR)
                good.append((place, image))
            except UnreadableImage as error:
                broken.append((index, str(error)))
        if good:
            for (place, _), row in zip(good, stack_images([image for _, image in good], work.channels), strict=True):
                os.pwrite(self.file, row.data, place * row.nbytes)
        return broken


def decode_batches(
    pieces: Sequence[DecodeBatch], work: DecodeOptions, source: FileSource, workers: int
) -> Iterator[tuple[DecodeBatch, list[tuple[int, str]]]]:
    """Each piece with what of it was left out, as they are done: in this process, or in several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if workers == 1:
            decoder = ImageDecoder(source, work)
            yield from ((piece, decoder(piece)) for piece in pieces)
        else:
            yield from _decode_in_processes(pieces, work, source, workers)


def _decode_in_processes(
    pieces, work: DecodeOptions, source: FileSource, workers: int
) -> Iterator[tuple[DecodeBatch, list[tuple[int, str]]]]:
    left = iter(pieces)
    spawn, others = multiprocessing.get_context("spawn"), set(multiprocessing.active_children())
    try:
        with ProcessPoolExecutor(workers, spawn, _initialise, (source, work)) as pool:
            waiting: dict[Future, DecodeBatch] = {
                pool.submit(_decode, piece): piece for piece in islice(left, 2 * workers)
            }
            while waiting:
                ready = wait(waiting, _TIMEOUT, FIRST_COMPLETED).done
                if not ready:
                    for process in set(multiprocessing.active_children()) - others:
                        process.kill()  # or the pool would wait for it at its end
                for done in ready:
                    yield waiting.pop(done), done.result()
                    waiting |= {pool.submit(_decode, piece): piece for piece in islice(left, 1)}
    except BrokenProcessPool:
        raise UserError(
            f"a decoding process died, or did nothing for {_TIMEOUT:g} s, perhaps for want of memory, or as the files "
            "can't be reached: go on with the same command, and fewer --workers"
        ) from None


_decoder: ImageDecoder | None = None
"""Of this process, if it is a decoding one."""


def _initialise(source: FileSource, work: DecodeOptions) -> None:
    global _decoder
    warnings.simplefilter("ignore")
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _decoder = ImageDecoder(source, work)


def _die_with_parent() -> None:
    """Executors leave their processes waiting when a parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        ended([parent.sentinel])
        os._exit(1)


def _decode(piece: DecodeBatch) -> list[tuple[int, str]]:
    assert _decoder is not None
    return _decoder(piece)
