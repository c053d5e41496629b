"""Summary and checks of audio files."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from PIL import Image

from sparring.data.audio.wav import Sound, read_sound
from sparring.data.files import FileItem, FileSource, Skipped
from sparring.data.image.file import UnreadableImage
from sparring.data.image.pixels import image_grid
from sparring.data.layout import with_folder_labels
from sparring.data.scan.checks import unusable_files
from sparring.data.scan.finding import Issue, ScanSummary, count_values, counts_text, summary_table
from sparring.data.scan.labels import rare_classes

_SILENT = 1e-3
"""Peak below which a sound is silent: 60 dB below full scale."""
_FULL_SCALE, _CLIPPED = 0.9999, 1e-3
"""Full scale, and the share of samples at full scale above which a sound is clipped."""
_LENGTH_RATIO = 10
"""Ratio to the median length, in either direction, beyond which a length is unusual."""
_WAVEFORM_SIZE = (32, 96)
"""Height and width of a waveform plot, in pixels."""
_SHOWN, _LISTED = 64, 10
"""Sounds on a contact sheet; entries listed per line."""


@dataclass(frozen=True, eq=False)
class ScannedAudio:
    """Statistics of one sound file."""

    name: str
    label: str | None
    format: str
    rate: int
    channels: int
    seconds: float
    peak: float
    full: float
    """Share of samples at full scale."""
    digest: bytes
    """Hash of its samples."""
    outline: np.ndarray
    """uint8 `OUTLINE`: waveform plot."""


@dataclass(frozen=True)
class SoundScan(ScanSummary):
    """Scan result of audio files."""

    formats: dict[str, int]
    rates: dict[str, int]
    """Number of sounds by sampling rate in Hz."""
    channels: dict[str, int]
    seconds: tuple[float, float, float]
    """Shortest, median and longest duration; zeros without sounds."""
    classes: dict[str, int]
    """Number of sounds by class folder; empty if unlabelled."""
    broken: Skipped
    findings: tuple[Issue, ...]

    def table(self) -> str:
        """Human-readable summary."""
        shortest, middle, longest = self.seconds
        rows = {
            "sounds": f"{self.examples:,}",
            "formats": counts_text(self.formats, _LISTED),
            "rates": counts_text({f"{rate} Hz": n for rate, n in self.rates.items()}, _LISTED),
            "channels": counts_text(self.channels, _LISTED),
            "lengths": f"{shortest:.2f} to {longest:.2f} s, median {middle:.2f} s",
            "classes": f"{len(self.classes)} ({counts_text(self.classes, _LISTED)})" if self.classes else "none",
            "skipped": f"{len(self.broken):,}" if self.broken else "none",
        }
        return summary_table(self.spec, rows, self.findings)


def scan_sounds(spec: str, source: FileSource) -> tuple[SoundScan, Sequence[ScannedAudio]]:
    """Decodes every file, one at a time. Raises UserError if the extra `audio` is missing."""
    items, outside = with_folder_labels(source.items)
    sounds, broken = [], [*source.skipped, *outside]
    for item in items:
        try:
            sounds.append(scan_sound(item))
        except UnreadableImage as error:
            broken.append((item.name, str(error)))
    lengths = [each.seconds for each in sounds] or [0.0]
    facts = SoundScan(
        spec=spec,
        examples=len(sounds),
        formats=count_values(each.format for each in sounds),
        rates=count_values(str(each.rate) for each in sounds),
        channels=count_values(str(each.channels) for each in sounds),
        seconds=(min(lengths), median(lengths), max(lengths)),
        classes=dict(sorted(Counter(each.label for each in sounds if each.label is not None).items())),
        broken=tuple(broken),
        findings=unusable_files(tuple(broken)) + tuple(found for look in _CHECKS if (found := look(sounds)).where),
    )
    return facts, sounds


def scan_sound(item: FileItem) -> ScannedAudio:
    """Decodes and measures one file. Raises UnreadableImage for an unusable one."""
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
    """Waveform plot, uint8 of shape `_WAVEFORM_SIZE`: the range of samples in each column, dark on light."""
    height, width = _WAVEFORM_SIZE
    wave = found.values.mean(1).clip(-1, 1)
    starts = np.minimum(np.arange(width) * len(wave) // width, len(wave) - 1)
    top, bottom = (np.round((1 - edge.reduceat(wave, starts)) / 2 * (height - 1)) for edge in (np.maximum, np.minimum))
    rows = np.arange(height)[:, None]
    return np.where((top <= rows) & (rows <= bottom), 0, 255).astype(np.uint8)


def waveform_sheet(sounds: Sequence[ScannedAudio]) -> Image.Image:
    """Waveform plots of up to 64 evenly spaced sounds."""
    chosen = np.linspace(0, len(sounds) - 1, min(_SHOWN, len(sounds))).round().astype(int)
    return image_grid(torch.from_numpy(np.stack([sounds[i].outline for i in chosen]))[:, None], None)


def _duplicates(sounds: Sequence[ScannedAudio]) -> Issue:
    first: dict[bytes, str] = {}
    where = [
        (each.name, first[each.digest]) for each in sounds if first.setdefault(each.digest, each.name) != each.name
    ]
    what = f"{len(where):,} sounds have the same samples as an earlier one"
    return Issue("duplicates", what, tuple((a, f"the same as {b}") for a, b in where), "delete the copies")


def _silent(sounds: Sequence[ScannedAudio]) -> Issue:
    where = tuple((each.name, f"peak {each.peak:.1e}") for each in sounds if each.peak < _SILENT)
    return Issue("silent", f"{len(where):,} sounds are silent", where, "delete or re-record them")


def _clipped(sounds: Sequence[ScannedAudio]) -> Issue:
    where = tuple((each.name, f"{each.full:.1%} of its samples") for each in sounds if each.full > _CLIPPED)
    what = f"{len(where):,} sounds are clipped: many samples are at full scale"
    return Issue("clipped", what, where, "re-record them at a lower level; a model learns the distortion")


def _rates(sounds: Sequence[ScannedAudio]) -> Issue:
    usual = Counter(each.rate for each in sounds).most_common(1)
    where = tuple((each.name, f"{each.rate} Hz") for each in sounds if each.rate != usual[0][0])
    what = f"{len(where):,} sounds differ from the most common sampling rate of {usual[0][0] if usual else 0} Hz"
    return Issue("rates", what, where, "resample all to one rate")


def _lengths(sounds: Sequence[ScannedAudio]) -> Issue:
    middle = median([each.seconds for each in sounds] or [0.0])
    odd = [each for each in sounds if not middle / _LENGTH_RATIO <= each.seconds <= middle * _LENGTH_RATIO]
    where = tuple((each.name, f"{each.seconds:.2f} s") for each in odd)
    what = f"{len(where):,} sounds are over {_LENGTH_RATIO} times longer or shorter than the median of {middle:.2f} s"
    return Issue("lengths", what, where, "split the long ones, check the short ones")


def _imbalance(sounds: Sequence[ScannedAudio]) -> Issue:
    return rare_classes(Counter(each.label for each in sounds if each.label is not None), "sounds")


_CHECKS: tuple[Callable[[Sequence[ScannedAudio]], Issue], ...] = (
    _duplicates,
    _silent,
    _clipped,
    _rates,
    _lengths,
    _imbalance,
)
