"""One sound file, from its bytes to samples. Needs soundfile, the extra `audio`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from sparring.data.image.file import UnreadableImage, open_nonempty
from sparring.errors import UserError, one_line

_FORMATS = {"WAV": "WAV", "WAVEX": "WAV", "RF64": "WAV", "FLAC": "FLAC", "OGG": "OGG", "AIFF": "AIFF"}
"""Those that are read, by libsndfile's names. Files without a header (.raw) and rare ones are not, nor MP3,
whose decoder talks past Python to the screen."""
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff")
MOST_SAMPLES = 2**26
"""Of all channels together: 256 MiB once decoded."""
_BLOCK = 2**18
"""Samples decoded at a time: a header may promise what does not come."""


@dataclass(frozen=True, eq=False)
class Sound:
    format: str
    rate: int
    """Samples a second."""
    values: np.ndarray
    """float32 (n, channels), full scale from −1 to 1; files of floating-point numbers may go beyond."""

    @property
    def seconds(self) -> float:
        return len(self.values) / self.rate


def read_sound(open_file: Callable[[], BinaryIO]) -> Sound:
    """All of a file, by what it holds, whatever its name ends in.

    Raises:
        Unusable: with the reason.
        UserError: the extra is missing.
    """
    with _open_sound(open_file) as file:
        blocks, samples, frames = [], 0, max(1, _BLOCK // file.channels)
        while len(block := file.read(frames, dtype="float32", always_2d=True)):
            blocks.append(block)
            samples += block.size
            if samples > MOST_SAMPLES:
                raise UnreadableImage(f"more than {MOST_SAMPLES:,} samples: cut it into pieces")
        if not blocks:
            raise UnreadableImage("without samples")
        values = np.concatenate(blocks)
        if not np.isfinite(values).all():
            raise UnreadableImage("has samples that are no numbers")
        return Sound(_FORMATS[file.format], file.samplerate, values)


@contextmanager
def _open_sound(open_file: Callable[[], BinaryIO]) -> Iterator[Any]:
    """Whatever goes wrong before it is closed raises Unusable, with the reason."""
    library = _library()
    with open_nonempty(open_file) as held:
        try:
            with library.SoundFile(held) as file:
                if file.format not in _FORMATS:
                    raise UnreadableImage(f"of the kind {file.format}, which is not read")
                yield file
        except library.LibsndfileError as error:  # it prefixes its reason with the address of an object
            raise UnreadableImage(one_line(error.error_string)) from None


def _library() -> Any:
    from importlib import import_module  # the type checker has no stubs of an extra

    try:
        return import_module("soundfile")
    except (ImportError, OSError):  # the latter where there is no libsndfile
        raise UserError("sound files need 'sparring[audio]': pip install 'sparring[audio]'") from None
