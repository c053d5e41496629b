"""Video files, frame by frame, by PyAV: an extra, for the codecs that come with it are of other licences."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.apply.formats import Film, Frame, timed
from sparring.data.image.file import UnreadableImage
from sparring.errors import UserError, one_line, shorten

CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""By ending: the container and the codec they are written with."""
VIDEO = (*CONTAINERS, ".avi", ".m4v", ".mpg", ".mpeg")
"""Endings of what is read."""
TICKS, QUALITY = 90_000, {"crf": "16"}
"""A second in a file; what is hardly told from the original."""


def _av() -> Any:
    from importlib import import_module  # the type checker has no stubs of an extra

    try:
        return import_module("av")
    except ImportError:
        raise UserError("video files need 'sparring[video]': pip install 'sparring[video]'") from None


def video(path: Path) -> Film | None:
    """A video file, which plays once; None for another ending. Raises UserError for one that can't be read."""
    if path.suffix.lower() not in VIDEO:
        return None
    av = _av()
    try:
        with av.open(str(path)) as box:
            if not box.streams.video:
                raise UserError(f"{one_line(path)} has no pictures")
            count = box.streams.video[0].frames or None
    except (OSError, av.error.FFmpegError) as error:
        raise UserError(f"can't read {one_line(path)}: {shorten(error)}") from None
    return Film(partial(_frames, path), count)


def _frames(path: Path) -> Iterator[Frame]:
    """Each is shown until the next one is; the last as long as the one before."""
    av = _av()
    try:
        with av.open(str(path)) as box:
            stream = box.streams.video[0]
            stream.thread_type = "AUTO"
            rate = stream.average_rate or 25
            before, length = None, 1 / Fraction(rate)
            for frame in box.decode(stream):
                if before is not None:
                    length = Fraction((frame.pts - before.pts) * stream.time_base)
                    yield _upright(before), length
                before = frame
            if before is not None:
                yield _upright(before), length
    except av.error.FFmpegError as error:
        raise UnreadableImage(shorten(error)) from None


def _upright(frame: Any) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))))


def write_video(path: Path, frames: Iterator[Frame], plays: int, container: str, codec: str) -> None:
    """Without sound, as players everywhere show it; sides that are odd keep all their colours, for halving needs even
    ones."""
    av = _av()
    with av.open(str(path), "w", format=container) as box:
        stream, at = None, 0
        for image, ticks in timed(frames, TICKS):
            if stream is None:
                stream = box.add_stream(codec, rate=25, options=QUALITY)  # a rate by name only: frames have times
                stream.width, stream.height = image.size
                stream.pix_fmt = "yuv444p" if image.width % 2 or image.height % 2 else "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS)
            frame = av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
            frame.pts, at = at, at + ticks
            box.mux(stream.encode(frame))
        if stream is not None:
            box.mux(stream.encode())
