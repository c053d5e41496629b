"""The judges: of images, by features of a classifier; of points, by the modes they were drawn around.

The classifier is trained on the first two thirds of the training set; the next sixth is there to select by, the last
sixth to report by, so no figure reported was ever chosen by.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from sparring.metrics.features import Features, random_features, task_features
from sparring.metrics.frechet import Moments, distance
from sparring.metrics.modes import count
from sparring.metrics.report import Part, Scores

PARTS = {"select": "fifth sixth of the training set", "report": "last sixth of the training set"}
MOST = 10_000
"""Samples a score is taken from."""


@dataclass(frozen=True)
class ImageJudge:
    features: Features
    train: Tensor
    """uint8 (n, c, h, w)."""
    test: Tensor
    accuracy: float | None
    """Of the classifier, on the report part."""
    measures: tuple[str, ...] = ("frechet",)

    def part(self, name: Part) -> Tensor:
        n = len(self.train)
        cut, end = 2 * n // 3, 2 * n // 3 + n // 6
        return self.train[cut:end] if name == "select" else self.train[end:]

    @cached_property
    def _moments(self) -> dict[Part, Moments]:
        return {}

    def scores(self, values: Tensor, part: Part = "report") -> Scores:
        if part not in self._moments:
            self._moments[part] = Moments.of(self.features(self.part(part)))
        return {"frechet": distance(Moments.of(self.features(values)), self._moments[part])}

    def protocol(self, part: Part, samples: int) -> str:
        accuracy = "" if self.accuracy is None else f", classifier accuracy {self.accuracy:.2%}"
        return (
            f"Fréchet distance, {self.features.name} features {self.features.digest}{accuracy}, {samples:,} samples "
            f"against {len(self.part(part)):,} real images ({PARTS[part]}), uint8, no resize"
        )

    def suits(self, part: Part) -> int:
        return min(MOST, len(self.part(part)))

    def trivial(self, n: int) -> dict[str, Tensor]:
        g = torch.Generator().manual_seed(0)
        mean = self.train.double().mean(0).round().to(torch.uint8).expand(n, -1, -1, -1)
        noise = torch.randint(256, (n, *self.train.shape[1:]), generator=g, dtype=torch.uint8)
        return {"real": self.test[:n], "mean image": mean, "noise": noise}


def judge_images(
    train: Tensor, test: Tensor, labels: Tensor | None, classes: int, fingerprint: str, cache: Path
) -> ImageJudge:
    """The judge of a training set, uint8 (n, c, h, w): with labels (n,) by task features, without by random ones.

    Fitted classifiers are kept in `cache` under the data's fingerprint.
    """
    if not classes or labels is None:
        return ImageJudge(random_features(train.shape[1]), train, test, None)
    thirds, report = 2 * len(train) // 3, 2 * len(train) // 3 + len(train) // 6
    kept = cache / "judges" / f"{fingerprint}.safetensors"
    features = task_features(train[:thirds], labels[:thirds], classes, kept)
    return ImageJudge(features, train, test, features.accuracy(train[report:], labels[report:]))


@dataclass(frozen=True)
class PointJudge:
    """Counts modes; the real data is known in closed form, so select and report differ in nothing but the name."""

    test: Tensor
    """(n, 2)."""
    modes: Tensor
    sigma: float
    measures: tuple[str, ...] = ("kl", "modes", "high_quality")

    def scores(self, values: Tensor, part: Part = "report") -> Scores:
        return asdict(count(values, self.modes, self.sigma))

    def protocol(self, part: Part, samples: int) -> str:
        return (
            f"{samples:,} samples against {len(self.modes)} modes: of high quality within 3σ = {3 * self.sigma:g}, "
            "found with ≥ ¼ of a fair share, KL(samples ‖ real) over modes and none"
        )

    def suits(self, part: Part) -> int:
        return min(MOST, len(self.test))

    def trivial(self, n: int) -> dict[str, Tensor]:
        g = torch.Generator().manual_seed(0)
        mean, spread = self.test.mean(0), self.test.std(0)
        gaussian = mean + spread * torch.randn(n, self.test.shape[1], generator=g)
        return {"real": self.test[:n], "mean": mean.expand(n, -1), "gaussian": gaussian}
