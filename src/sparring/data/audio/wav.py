"""Decodes one audio file to samples.

Needs the package soundfile (extra `audio`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from sparring.data.image.file import UnreadableImage, open_nonempty
from sparring.errors import UserError, one_line

_FORMATS = {"WAV": "WAV", "WAVEX": "WAV", "RF64": "WAV", "FLAC": "FLAC", "OGG": "OGG", "AIFF": "AIFF"}
"""Supported formats, by libsndfile's names. MP3 is excluded: its decoder prints to the terminal past Python."""
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff")
MOST_SAMPLES = 2**26
"""Limit over all channels together: 256 MiB decoded."""
_BLOCK = 2**18
"""Samples decoded at once: a header may announce more samples than the file has."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Decoded audio."""

    format: str
    rate: int
    """Sampling rate in Hz."""
    values: np.ndarray
    """float32 (n, channels), full scale [−1, 1]; floating-point files may exceed it."""

    @property
    def seconds(self) -> float:
        return len(self.values) / self.rate


def read_sound(open_file: Callable[[], BinaryIO]) -> Sound:
    """Decodes a whole file; the format is detected from the content, not the name.

    Raises:
        UnreadableImage: the file is unusable; the message is the reason.
        UserError: soundfile is not installed.
    """
    with _open_sound(open_file) as file:
        blocks, samples, frames = [], 0, max(1, _BLOCK // file.channels)
        while len(block := file.read(frames, dtype="float32", always_2d=True)):
            blocks.append(block)
            samples += block.size
            if samples > MOST_SAMPLES:
                raise UnreadableImage(f"more than {MOST_SAMPLES:,} samples: split it")
        if not blocks:
            raise UnreadableImage("no samples")
        values = np.concatenate(blocks)
        if not np.isfinite(values).all():
            raise UnreadableImage("has NaN or infinite samples")
        return Sound(_FORMATS[file.format], file.samplerate, values)


@contextmanager
def _open_sound(open_file: Callable[[], BinaryIO]) -> Iterator[Any]:
    """The open file; any error before it is closed is raised as UnreadableImage."""
    library = _library()
    with open_nonempty(open_file) as stream:
        try:
            with library.SoundFile(stream) as file:
                if file.format not in _FORMATS:
                    raise UnreadableImage(f"of the unsupported format {file.format}")
                yield file
        except library.LibsndfileError as error:  # str(error) starts with the address of an object
            raise UnreadableImage(one_line(error.error_string)) from None


def _library() -> Any:
    from importlib import import_module  # the type checker has no stubs of an extra

    try:
        return import_module("soundfile")
    except (ImportError, OSError):  # OSError: libsndfile is missing
        raise UserError("sound files need 'sparring[audio]': pip install 'sparring[audio]'") from None
