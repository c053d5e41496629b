"""Sound files as they were found, and what may be wrong with them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from PIL import Image

from sparring.data.audio.wav import Sound, read_sound
from sparring.data.image.file import UnreadableImage
from sparring.data.image.pixels import image_grid
from sparring.data.scan.checks import unusable_files
from sparring.data.scan.finding import Issue, ScanSummary, count_values, counts_text, summary_table
from sparring.data.scan.labels import rare_classes
from sparring.data.sources.item import FileItem, FileSource, Skipped, with_folder_labels

_SILENT = 1e-3
"""The largest sample of a sound that is called silent: 60 dB below full scale."""
_FULL_SCALE, _CLIPPED = 0.9999, 1e-3
"""Full scale; and the share of a sound's samples there from which on it is called clipped."""
_LENGTH_RATIO = 10
"""A sound so many times as long as the middle one, or the other way round, is of an odd length."""
_WAVEFORM_SIZE = (32, 96)
"""Pixels of a sound on a sheet, height and width."""
_SHOWN, _LISTED = 64, 10
"""Sounds on a sheet; and formats, rates and classes in a line."""


@dataclass(frozen=True, eq=False)
class ScannedAudio:
    """What is kept of a sound."""

    name: str
    label: str | None
    format: str
    rate: int
    channels: int
    seconds: float
    peak: float
    full: float
    """The share of samples at full scale."""
    digest: bytes
    """Of its samples."""
    outline: np.ndarray
    """uint8 `OUTLINE`, as it is drawn."""


@dataclass(frozen=True)
class SoundScan(ScanSummary):
    """Of sound files."""

    formats: dict[str, int]
    rates: dict[str, int]
    """Sounds by samples a second."""
    channels: dict[str, int]
    seconds: tuple[float, float, float]
    """The shortest, the middle and the longest one's; zeros if there is none."""
    classes: dict[str, int]
    """By folder; empty if there are no folders."""
    broken: Skipped
    findings: tuple[Issue, ...]

    def table(self) -> str:
        """For a person, a line a fact."""
        shortest, middle, longest = self.seconds
        rows = {
            "sounds": f"{self.examples:,}",
            "formats": counts_text(self.formats, _LISTED),
            "rates": counts_text({f"{rate} Hz": n for rate, n in self.rates.items()}, _LISTED),
            "channels": counts_text(self.channels, _LISTED),
            "lengths": f"{shortest:.2f} to {longest:.2f} s, half of them under {middle:.2f} s",
            "classes": f"{len(self.classes)} ({counts_text(self.classes, _LISTED)})" if self.classes else "none",
            "left out": f"{len(self.broken):,}" if self.broken else "none",
        }
        return summary_table(self.spec, rows, self.findings)


def scan_sounds(spec: str, source: FileSource) -> tuple[SoundScan, Sequence[ScannedAudio]]:
    """Opens every file, one at a time. Raises UserError where the extra `audio` is missing."""
    items, beside = with_folder_labels(source.items)
    heard, broken = [], [*source.skipped, *beside]
    for item in items:
        try:
            heard.append(scan_sound(item))
        except UnreadableImage as error:
            broken.append((item.name, str(error)))
    lengths = [each.seconds for each in heard] or [0.0]
    facts = SoundScan(
        spec=spec,
        examples=len(heard),
        formats=count_values(each.format for each in heard),
        rates=count_values(str(each.rate) for each in heard),
        channels=count_values(str(each.channels) for each in heard),
        seconds=(min(lengths), median(lengths), max(lengths)),
        classes=dict(sorted(Counter(each.label for each in heard if each.label is not None).items())),
        broken=tuple(broken),
        findings=unusable_files(tuple(broken)) + tuple(found for look in _CHECKS if (found := look(heard)).where),
    )
    return facts, heard


def scan_sound(item: FileItem) -> ScannedAudio:
    """Raises Unusable, with the reason."""
    found = read_sound(item.open)
    size = np.abs(found.values)
    shape = f"{found.rate} {found.values.shape}".encode()
    return ScannedAudio(
        name=item.name,
        label=item.label if isinstance(item.label, str) else None,
        format=found.format,
        rate=found.rate,
        channels=found.values.shape[1],
        seconds=found.seconds,
        peak=float(size.max()),
        full=float((size >= _FULL_SCALE).mean()),
        digest=hashlib.blake2b(shape + found.values.tobytes(), digest_size=16).digest(),
        outline=waveform(found),
    )


def waveform(found: Sound) -> np.ndarray:
    """From its least to its greatest sample, in each of so many parts of it, dark on light."""
    height, width = _WAVEFORM_SIZE
    wave = found.values.mean(1).clip(-1, 1)
    starts = np.minimum(np.arange(width) * len(wave) // width, len(wave) - 1)
    top, bottom = (np.round((1 - edge.reduceat(wave, starts)) / 2 * (height - 1)) for edge in (np.maximum, np.minimum))
    rows = np.arange(height)[:, None]
    return np.where((top <= rows) & (rows <= bottom), 0, 255).astype(np.uint8)


def waveform_sheet(heard: Sequence[ScannedAudio]) -> Image.Image:
    """The outlines of up to 64, in the order of their names, spread over all."""
    chosen = np.linspace(0, len(heard) - 1, min(_SHOWN, len(heard))).round().astype(int)
    return image_grid(torch.from_numpy(np.stack([heard[i].outline for i in chosen]))[:, None], None)


def _duplicates(heard: Sequence[ScannedAudio]) -> Issue:
    first: dict[bytes, str] = {}
    where = [(each.name, first[each.digest]) for each in heard if first.setdefault(each.digest, each.name) != each.name]
    what = f"{len(where):,} sounds have the same samples as one before them"
    return Issue("duplicates", what, tuple((a, f"the same as {b}") for a, b in where), "delete one of each two")


def _silent(heard: Sequence[ScannedAudio]) -> Issue:
    where = tuple((each.name, f"its largest sample is {each.peak:.1e}") for each in heard if each.peak < _SILENT)
    return Issue("silent", f"{len(where):,} sounds are silent", where, "delete them, or record them again")


def _clipped(heard: Sequence[ScannedAudio]) -> Issue:
    where = tuple((each.name, f"{each.full:.1%} of its samples") for each in heard if each.full > _CLIPPED)
    what = f"{len(where):,} sounds are clipped: samples stand at full scale"
    return Issue("clipped", what, where, "record them again at a lower level; a model learns the crackle")


def _rates(heard: Sequence[ScannedAudio]) -> Issue:
    usual = Counter(each.rate for each in heard).most_common(1)
    where = tuple((each.name, f"{each.rate} Hz") for each in heard if each.rate != usual[0][0])
    what = f"{len(where):,} sounds have another rate than most, which have {usual[0][0] if usual else 0} Hz"
    return Issue("rates", what, where, "bring them to one rate")


def _lengths(heard: Sequence[ScannedAudio]) -> Issue:
    middle = median([each.seconds for each in heard] or [0.0])
    odd = [each for each in heard if not middle / _LENGTH_RATIO <= each.seconds <= middle * _LENGTH_RATIO]
    where = tuple((each.name, f"{each.seconds:.2f} s") for each in odd)
    what = f"{len(where):,} sounds are far longer or shorter than the middle one of {middle:.2f} s"
    return Issue("lengths", what, where, "cut the long ones, and listen to the short ones")


def _imbalance(heard: Sequence[ScannedAudio]) -> Issue:
    return rare_classes(Counter(each.label for each in heard if each.label is not None), "sounds")


_CHECKS: tuple[Callable[[Sequence[ScannedAudio]], Issue], ...] = (
    _duplicates,
    _silent,
    _clipped,
    _rates,
    _lengths,
    _imbalance,
)
