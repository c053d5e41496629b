"""Video files, a frame at a time, by PyAV: an optional dependency, because its codecs have other licences."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.apply.formats import Animation, Frame, with_ticks
from sparring.data.image.file import UnreadableImage
from sparring.errors import UserError, one_line, shorten

CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""Container and codec of written files, by ending."""
VIDEO = (*CONTAINERS, ".avi", ".m4v", ".mpg", ".mpeg")
"""Endings of files that can be read."""
TICKS, QUALITY = 90_000, {"crf": "16"}
"""Time units per second; a quality that is visually almost lossless."""


def _av() -> Any:
    from importlib import import_module  # an extra, which the type checker does not know

    try:
        return import_module("av")
    except ImportError:
        raise UserError("video files need 'sparring[video]': pip install 'sparring[video]'") from None


def read_video(path: Path) -> Animation | None:
    """A video file; None for another ending. Raises UserError for one that can't be read."""
    if path.suffix.lower() not in VIDEO:
        return None
    av = _av()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"{one_line(path)} has no video stream")
            count = container.streams.video[0].frames or None
    except (OSError, av.error.FFmpegError) as error:
        raise UserError(f"can't read {one_line(path)}: {shorten(error)}") from None
    return Animation(partial(_frames, path), count)


def _frames(path: Path) -> Iterator[Frame]:
    """A frame lasts until the next one; the last as long as the one before."""
    av = _av()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            rate = stream.average_rate or 25
            previous, duration = None, 1 / Fraction(rate)
            for frame in container.decode(stream):
                if previous is not None:
                    duration = Fraction((frame.pts - previous.pts) * stream.time_base)
                    yield _upright(previous), duration
                previous = frame
            if previous is not None:
                yield _upright(previous), duration
    except av.error.FFmpegError as error:
        raise UnreadableImage(shorten(error)) from None


def _upright(frame: Any) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))))


def write_video(path: Path, frames: Iterator[Frame], loops: int, file_format: str, codec: str) -> None:
    """Without sound, with chroma subsampling (yuv420p, which every player supports) unless a side is odd."""
    av = _av()
    with av.open(str(path), "w", format=file_format) as container:
        stream, at = None, 0
        for image, ticks in with_ticks(frames, TICKS):
            if stream is None:
                stream = container.add_stream(codec, rate=25, options=QUALITY)  # nominal: frames have timestamps
                stream.width, stream.height = image.size
                stream.pix_fmt = "yuv444p" if image.width % 2 or image.height % 2 else "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS)
            frame = av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
            frame.pts, at = at, at + ticks
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
