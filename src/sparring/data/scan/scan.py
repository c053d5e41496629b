"""Scans a data set: summary and issues."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sparring.data.dataset import Dataset, Split, UnsplitDataset
from sparring.data.files import Skipped
from sparring.data.image.edges import strip_edges_suffix
from sparring.data.image.file import Header
from sparring.data.image.read import default_size
from sparring.data.load import sounds, table_at
from sparring.data.named import NAMED
from sparring.data.options import Options
from sparring.data.scan.audio import ScannedAudio, SoundScan, scan_sounds
from sparring.data.scan.checks import run_checks, unusable_files
from sparring.data.scan.finding import Issue, ScanSummary, count_values, counts_text, summary_table
from sparring.data.scan.image_set import ScannedImages
from sparring.data.scan.open import ImageFiles, OpenedSpec, open_for_scan, open_spec
from sparring.data.scan.table import TableScan, scan_table

_COMMON_SIZES = 5
"""Image sizes listed."""
_LISTED = 10
"""Classes listed."""


@dataclass(frozen=True)
class Scan(ScanSummary):
    """Scan result of images or points. Sizes are (height, width) before resizing."""

    formats: dict[str, int]
    """Number of files by format, such as JPEG, of all readable headers."""
    sizes: dict[str, int]
    """Counts of the most common sizes, as "height x width"; empty for points."""
    smallest: tuple[int, int] | None
    """Minimum height and minimum width."""
    largest: tuple[int, int] | None
    """Maximum height and maximum width."""
    modes: dict[str, int]
    """Counts by Pillow mode for files, by number of channels for arrays."""
    classes: dict[str, int]
    """Number of usable examples by class; empty if unlabelled."""
    attributes: tuple[str, ...]
    broken: Skipped
    smaller: int
    """Number of images that are enlarged to reach the training size."""
    proposed: tuple[int, int] | None
    """Training size of the given options; None for points."""
    findings: tuple[Issue, ...] = ()

    def table(self) -> str:
        """Human-readable summary."""
        rows = {
            "examples": f"{self.examples:,}",
            "formats": counts_text(self.formats, _COMMON_SIZES),
            "sizes": counts_text(self.sizes, _COMMON_SIZES),
            "range": f"{_side(self.smallest)} to {_side(self.largest)}" if self.smallest and self.largest else "",
            "modes": counts_text(self.modes, _COMMON_SIZES),
            "classes": f"{len(self.classes)} ({counts_text(self.classes, _LISTED)})" if self.classes else "none",
            "attributes": ", ".join(self.attributes),
            "size used": f"{_side(self.proposed)}; {self.smaller:,} images are smaller" if self.proposed else "",
            "skipped": f"{len(self.broken):,}" if self.broken else "none",
        }
        return summary_table(self.spec, rows, self.findings)


def scan_spec(spec: str | Path, options: Options = Options()) -> Scan | TableScan | SoundScan:  # noqa: B008 - frozen
    """Summarises a SPEC and checks it for defects (see `sparring.data.scan`).

    Raises:
        UserError: as `load_dataset`, except for too few usable images.
    """
    return scan_with_examples(spec, options)[0]


def scan_with_examples(
    spec: str | Path, options: Options
) -> tuple[Scan | TableScan | SoundScan, ScannedImages | Sequence[ScannedAudio] | None]:
    """As `scan_spec`, with the scanned images or sounds for contact sheets; None for points and tables."""
    if (path := table_at(str(spec))) is not None:
        return scan_table(str(spec), path, options), None
    opened = open_spec(spec, options)
    if isinstance(opened, ImageFiles) and not opened.source.items and (source := sounds(str(spec))) is not None:
        return scan_sounds(str(spec), source)
    summary, images = _summary(str(spec), opened, options), open_for_scan(opened)
    return replace(summary, findings=unusable_files(summary.broken) + (run_checks(images) if images else ())), images


def _summary(name: str, opened: OpenedSpec, options: Options) -> Scan:
    if isinstance(opened, Dataset):
        parts = [part.labels for part in (opened.train, opened.test) if part.labels is not None]
        values = torch.empty(len(opened.train) + len(opened.test), *opened.shape, device="meta")
        pool = UnsplitDataset(Split(values, torch.cat(parts) if parts else None), opened.names, opened.skipped)
        return _of_array(name, _kind(name), pool, options)
    if isinstance(opened, UnsplitDataset):
        return _of_array(name, Path(name).suffix.removeprefix(".").lower(), opened, options)
    return _of_pictures(name, [header for header in opened.headers if header], opened.pool, options)


def _kind(name: str) -> str:
    """What a set that is ready is called."""
    if name in NAMED:
        return "named set"
    return "prepared" if strip_edges_suffix(name) is None else "images and edges"


def _of_array(spec: str, kind: str, pool: UnsplitDataset, options: Options) -> Scan:
    """Of examples that all have one shape."""
    n, shape = len(pool.examples), tuple(pool.examples.values.shape[1:])
    size = (shape[1], shape[2]) if len(shape) == 3 else None
    proposed = (options.size or size) if size else None
    return Scan(
        spec=spec,
        examples=n,
        formats={kind: n},
        sizes={_side(size): n} if size else {},
        smallest=size,
        largest=size,
        modes={f"{shape[0]} channel{'s' * (shape[0] > 1)}" if size else f"points of {shape[0]} numbers": n},
        **_labels(pool),
        smaller=n if size and proposed and _below(size, proposed) else 0,
        proposed=proposed,
    )


def _of_pictures(spec: str, scanned: list[Header], pool: UnsplitDataset, options: Options) -> Scan:
    proposed = options.size or default_size(scanned)
    sizes = [each.size for each in scanned]
    return Scan(
        spec=spec,
        examples=len(pool.examples),
        formats=count_values(each.format for each in scanned),
        sizes=dict(list(count_values(map(_side, sizes)).items())[:_COMMON_SIZES]),
        smallest=_each_side(min, sizes),
        largest=_each_side(max, sizes),
        modes=count_values(each.mode for each in scanned),
        **_labels(pool),
        smaller=sum(_below(size, proposed) for size in sizes),
        proposed=proposed,
    )


def _labels(pool: UnsplitDataset) -> dict[str, Any]:
    labels = pool.examples.labels
    if labels is None:
        return {"classes": {}, "attributes": (), "broken": pool.skipped}
    if labels.is_floating_point():
        return {"classes": {}, "attributes": pool.names, "broken": pool.skipped}
    counts = labels.bincount(minlength=len(pool.names)).tolist()
    return {"classes": dict(zip(pool.names, counts, strict=True)), "attributes": (), "broken": pool.skipped}


def _side(size: tuple[int, int] | None) -> str:
    return f"{size[0]}x{size[1]}" if size else ""


def _below(size: tuple[int, int], target: tuple[int, int]) -> bool:
    return size[0] < target[0] or size[1] < target[1]


def _each_side(pick: Callable[[Iterable[int]], int], sizes: list[tuple[int, int]]) -> tuple[int, int] | None:
    return (pick(size[0] for size in sizes), pick(size[1] for size in sizes)) if sizes else None
