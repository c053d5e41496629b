"""The judge: a fixed protocol, and the trivial rows that stand beside every score.

Features come from a classifier trained on the first two thirds of the training set. Stopping and the choice of the
best weights score against the next sixth, reports against the last sixth, so no figure reported was ever chosen by.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from sparring.metrics.features import Features, random_features, task_features
from sparring.metrics.frechet import Moments, distance

Part = Literal["select", "report"]
PARTS = {"select": "fifth sixth of the training set", "report": "last sixth of the training set"}


@dataclass(frozen=True)
class Judge:
    features: Features
    select: Tensor
    report: Tensor
    accuracy: float | None
    """Of the classifier, on the report part."""

    @cached_property
    def _select(self) -> Moments:
        return Moments.of(self.features(self.select))

    @cached_property
    def _report(self) -> Moments:
        return Moments.of(self.features(self.report))

    def score(self, pixels: Tensor, part: Part = "report") -> float:
        """The Fréchet distance of uint8 images (n, c, h, w), n ≥ 2, to a part of the real ones."""
        reference = self._select if part == "select" else self._report
        return distance(Moments.of(self.features(pixels)), reference)

    def protocol(self, part: Part, samples: int) -> str:
        """How a score was taken; scores with different protocols do not compare."""
        accuracy = "" if self.accuracy is None else f", classifier accuracy {self.accuracy:.2%}"
        reference = self.select if part == "select" else self.report
        return (
            f"Fréchet distance, {self.features.name} features {self.features.digest}{accuracy}, {samples:,} samples "
            f"against {len(reference):,} real images ({PARTS[part]}), uint8, no resize"
        )


def judge(pixels: Tensor, labels: Tensor | None, classes: int, fingerprint: str, cache: Path) -> Judge:
    """The judge of a training set: uint8 (n, c, h, w), with labels (n,) for task features, or random ones without.

    Fitted classifiers are kept in `cache` under the data's fingerprint.
    """
    thirds, sixth = 2 * len(pixels) // 3, len(pixels) // 6
    select, report = pixels[thirds : thirds + sixth], pixels[thirds + sixth :]
    if labels is None:
        return Judge(random_features(pixels.shape[1]), select, report, None)
    kept = cache / "judges" / f"{fingerprint}.safetensors"
    features = task_features(pixels[:thirds], labels[:thirds], classes, kept)
    return Judge(features, select, report, features.accuracy(report, labels[thirds + sixth :]))


@dataclass(frozen=True)
class Row:
    name: str
    frechet: float
    samples: int


@dataclass(frozen=True)
class Report:
    protocol: str
    rows: list[Row]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> str:
        lines = [f"{'':<12}{'Fréchet':>12}{'samples':>10}"]
        lines += [f"{row.name:<12}{row.frechet:>12,.2f}{row.samples:>10,}" for row in self.rows]
        return "\n".join([*lines, self.protocol])


def evaluate(samples: Tensor, judge: Judge, test: Tensor, train: Tensor) -> Report:
    """The samples' score beside what trivial samplers get in their place: test images, the mean image, noise."""
    n = len(samples)
    g = torch.Generator().manual_seed(0)
    mean = train.double().mean(0).round().to(torch.uint8).expand(n, -1, -1, -1)
    noise = torch.randint(256, samples.shape, generator=g, dtype=torch.uint8)
    trivial = {"real": test[:n], "mean image": mean, "noise": noise}
    rows = [Row(name, judge.score(x), len(x)) for name, x in ({"model": samples} | trivial).items()]
    return Report(judge.protocol("report", n), rows)
