"""Measured results of recipes: `measured.json`, written by the benchmarks."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Measured:
    """One run of a recipe, with its default numbers unless the note says otherwise."""

    recipe: str
    data: str
    images: int
    """Seen."""
    seed: int
    frechet: float
    """Fréchet distance of 10,000 samples to the test split, on task features."""
    share_left: float
    """Normalised gap: (frechet − real) / (MLP GAN after 50 epochs − real)."""
    note: str = ""
    """Such as "collapsed", or earlier default numbers."""

    def text(self) -> str:
        head = f"{self.data}, {self.images:,} images, seed {self.seed}"
        tail = f", {self.note}" if self.note else ""
        return f"{head}: Fréchet distance {self.frechet:.2f}, {self.share_left:.2f} of the gap left{tail}"


def measured_results(path: Path = HERE) -> list[Measured]:
    return [Measured(**row) for row in json.loads(path.read_text())]


def record(new: list[Measured], path: Path = HERE) -> None:
    """Adds rows; they replace those of the same recipe, data, images and seed."""

    def key(row: Measured) -> tuple:
        return row.recipe, row.data, row.images, row.seed

    kept = {key(row): row for row in measured_results(path)} | {key(row): row for row in new}
    path.write_text(json.dumps([asdict(kept[k]) for k in sorted(kept)], indent=1) + "\n")
