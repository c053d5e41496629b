"""Moving pictures, frame by frame: animated GIF, WebP and PNG by Pillow; video files are `sparring.apply.ffmpeg`'s.

A frame is made only when the writer asks for it and is gone when the next one is, so that a film of any length fits in
memory. Pillow writes an animation only when it holds all of it; so each frame is written by Pillow as a file of its
own, and what is put together here is the film around them: GIF89a, and WebP's ANIM and ANMF chunks.
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
"""Files that may move."""
MOST_PLAYS, LONGEST_GIF, LONGEST_WEBP = 2**16 - 1, 2**16 - 1, 2**24 - 1
"""What the files' fields can hold: how often a film is shown, and how long a frame, in hundredths and thousandths of a
second."""
Frame = tuple[Image.Image, Fraction]
"""Upright, and the seconds it is shown."""


@dataclass(frozen=True)
class Film:
    frames: Callable[[], Iterator[Frame]]
    """From the beginning. Raises Unusable where the file is damaged."""
    count: int | None
    """About so many; None if the file does not say."""
    plays: int = 1
    """How often it is shown; 0: for ever."""


def animation(path: Path) -> Film | None:
    """An animated picture; None if it does not move, or is no picture. Raises UserError for one that is damaged."""
    if path.suffix.lower() not in ANIMATED:
        return None
    moves = False
    try:
        with open_image(partial(open, path, "rb")) as image:
            moves = getattr(image, "is_animated", False)
            return Film(partial(_frames, path), _count(image), image.info.get("loop", 1)) if moves else None
    except UnreadableImage as error:
        if moves:
            raise UserError(f"{one_line(path)} is damaged: {error}") from None
        return None


def _frames(path: Path) -> Iterator[Frame]:
    with open_image(partial(open, path, "rb")) as image:
        for i in range(_count(image)):
            image.seek(i)
            image.load()  # WebP tells the time only then
            yield image, Fraction(image.info.get("duration", 0)) / 1000


def _count(image: Image.Image) -> int:
    return getattr(image, "n_frames", 1)


def timed(frames: Iterator[Frame], unit: int) -> Iterator[tuple[Image.Image, int]]:
    """Each with how long it is shown, in 1/unit s, rounded so that the film is as long as it was."""
    end, told = Fraction(0), 0
    for image, seconds in frames:
        end += seconds
        ticks = round(end * unit) - told
        told += ticks
        yield image, ticks


def write_gif(path: Path, frames: Iterator[Frame], plays: int) -> None:
    """Of 256 colours a frame."""
    with open(path, "wb") as file:
        for i, (image, ticks) in enumerate(timed(frames, 100)):
            if not i:
                file.write(b"GIF89a" + struct.pack("<HHBBB", *image.size, 0, 0, 0))
                again = b"!\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, min(plays, MOST_PLAYS), 0)
                file.write(b"" if plays == 1 else again)
            flat = image.convert("P", palette=Image.Palette.ADAPTIVE) if image.mode != "L" else image
            # A frame leaves nothing behind (disposal 2): the next one may be transparent there.
            shown = 10 * min(ticks, LONGEST_GIF)
            about: dict[str, Any] = {"duration": shown, "disposal": 2, "include_color_table": True, **_clear(flat)}
            file.writelines(GifImagePlugin.getdata(flat, **about))
        file.write(b";")


def _clear(flat: Image.Image) -> dict[str, int]:
    """The colour that is transparent, if there is one."""
    palette = flat.palette
    if palette is None or palette.mode != "RGBA":
        return {}
    return next(({"transparency": i} for colour, i in palette.colors.items() if colour[3] == 0), {})


def write_webp(path: Path, frames: Iterator[Frame], plays: int) -> None:
    """Without loss."""
    with open(path, "wb") as file:
        for i, (image, ticks) in enumerate(timed(frames, 1000)):
            width, height = (_three(side - 1) for side in image.size)
            if not i:
                file.write(b"RIFF\0\0\0\0WEBP")
                file.write(_chunk(b"VP8X", bytes([ALPHA | MOVES, 0, 0, 0]) + width + height))
                file.write(_chunk(b"ANIM", struct.pack("<IH", 0, min(plays, MOST_PLAYS))))
            about = bytes(6) + width + height + _three(min(ticks, LONGEST_WEBP)) + bytes([ALONE])
            file.write(_chunk(b"ANMF", about + _webp_pixels(image)))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


ALPHA, MOVES, ALONE = 0x10, 0x02, 0x02
"""Flags of a WebP file, and of a frame that is not laid over the one before."""


def _webp_pixels(image: Image.Image) -> bytes:
    """The chunks that hold the pixels, of the file that Pillow writes."""
    file = BytesIO()
    (image if image.mode in ("RGB", "RGBA") else image.convert("RGB")).save(file, "WEBP", lossless=True, exact=True)
    whole, at, kept = file.getvalue(), 12, b""
    while at < len(whole):
        name, size = struct.unpack_from("<4sI", whole, at)
        if name in (b"VP8L", b"VP8 ", b"ALPH"):
            kept += _chunk(name, whole[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return kept


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _three(number: int) -> bytes:
    """As 24 bits."""
    return number.to_bytes(3, "little")
