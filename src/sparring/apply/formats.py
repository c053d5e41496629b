"""Animated GIF, WebP and PNG, a frame at a time.

Pillow encodes an animation only from all of its frames at once, merges equal ones, and changes colours under
transparent pixels. PyAV's WebP encoder does the latter two, and gives the last frame another duration. Here each frame
is encoded by Pillow as a file of its own, and this module writes the container (GIF89a; the ANIM and ANMF chunks of
WebP), so an animation of any length fits in memory. For videos see `ffmpeg.py`.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import GifImagePlugin, Image

from sparring.data.image.file import UnreadableImage, open_image
from sparring.errors import UserError, one_line

ANIMATED = (".gif", ".webp", ".png")
"""Endings of files that may be animated."""
MAX_LOOPS, MAX_GIF_TICKS, MAX_WEBP_TICKS = 2**16 - 1, 2**16 - 1, 2**24 - 1
"""Limits of the file formats: repetitions, and the duration of a frame in units of 10 ms (GIF) and 1 ms (WebP)."""
Frame = tuple[Image.Image, Fraction]
"""An upright image, and its duration in seconds."""


@dataclass(frozen=True)
class Animation:
    frames: Callable[[], Iterator[Frame]]
    """From the beginning. Raises UnreadableImage where the file is damaged."""
    count: int | None
    """Approximate number of frames; None if the file does not say."""
    loops: int = 1
    """Repetitions; 0: endless."""


def read_animation(path: Path) -> Animation | None:
    """An animated image; None for another file. Raises UserError for one that is damaged."""
    if path.suffix.lower() not in ANIMATED:
        return None
    animated = False
    try:
        with open_image(partial(open, path, "rb")) as image:
            animated = getattr(image, "is_animated", False)
            return Animation(partial(_frames, path), _count(image), image.info.get("loop", 1)) if animated else None
    except UnreadableImage as error:
        if animated:
            raise UserError(f"{one_line(path)} is damaged: {error}") from None
        return None


def _frames(path: Path) -> Iterator[Frame]:
    with open_image(partial(open, path, "rb")) as image:
        for i in range(_count(image)):
            image.seek(i)
            image.load()  # WebP has the duration only then
            yield image, Fraction(image.info.get("duration", 0)) / 1000


def _count(image: Image.Image) -> int:
    return getattr(image, "n_frames", 1)


def with_ticks(frames: Iterator[Frame], rate: int) -> Iterator[tuple[Image.Image, int]]:
    """Each frame with its duration in units of 1/rate s, rounded without accumulating errors."""
    end, total = Fraction(0), 0
    for image, seconds in frames:
        end += seconds
        ticks = round(end * rate) - total
        total += ticks
        yield image, ticks


def write_gif(path: Path, frames: Iterator[Frame], loops: int) -> None:
    """With 256 colours per frame."""
    with open(path, "wb") as file:
        for i, (image, ticks) in enumerate(with_ticks(frames, 100)):
            if not i:
                file.write(b"GIF89a" + struct.pack("<HHBBB", *image.size, 0, 0, 0))
                repeat = b"!\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, min(loops, MAX_LOOPS), 0)
                file.write(b"" if loops == 1 else repeat)
            flat = image.convert("P", palette=Image.Palette.ADAPTIVE) if image.mode != "L" else image
            # Disposal 2 clears the frame, since the next one may be transparent.
            duration = 10 * min(ticks, MAX_GIF_TICKS)
            options: dict[str, Any] = {"duration": duration, "disposal": 2, **_transparency(flat)}
            file.writelines(GifImagePlugin.getdata(flat, include_color_table=True, **options))
        file.write(b";")


def _transparency(flat: Image.Image) -> dict[str, int]:
    """The transparent colour of a palette, if it has one."""
    palette = flat.palette
    if palette is None or palette.mode != "RGBA":
        return {}
    return next(({"transparency": i} for colour, i in palette.colors.items() if colour[3] == 0), {})


def write_webp(path: Path, frames: Iterator[Frame], loops: int) -> None:
    """Lossless."""
    with open(path, "wb") as file:
        for i, (image, ticks) in enumerate(with_ticks(frames, 1000)):
            width, height = (_uint24(side - 1) for side in image.size)
            if not i:
                file.write(b"RIFF\0\0\0\0WEBP")
                file.write(_chunk(b"VP8X", bytes([HAS_ALPHA | IS_ANIMATED, 0, 0, 0]) + width + height))
                file.write(_chunk(b"ANIM", struct.pack("<IH", 0, min(loops, MAX_LOOPS))))
            header = bytes(6) + width + height + _uint24(min(ticks, MAX_WEBP_TICKS)) + bytes([NO_BLEND])
            file.write(_chunk(b"ANMF", header + _webp_pixels(image)))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


HAS_ALPHA, IS_ANIMATED, NO_BLEND = 0x10, 0x02, 0x02
"""Flags of a WebP file, and of a frame that replaces the one before."""


def _webp_pixels(image: Image.Image) -> bytes:
    """The chunks with the pixels, from the file that Pillow writes."""
    file = BytesIO()
    (image if image.mode in ("RGB", "RGBA") else image.convert("RGB")).save(file, "WEBP", lossless=True, exact=True)
    content, at, chunks = file.getvalue(), 12, b""
    while at < len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name in (b"VP8L", b"VP8 ", b"ALPH"):
            chunks += _chunk(name, content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _uint24(number: int) -> bytes:
    return number.to_bytes(3, "little")
