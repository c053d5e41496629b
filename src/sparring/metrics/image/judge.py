"""Evaluation protocol of images.

Feature extractors are fitted to the first two thirds of the training set. The next sixth is the validation split, for
stopping and checkpoint selection, the last sixth the test split of reports; "real" scores the test set in the samples'
place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData, named_features, training_parts
from sparring.metrics.image.memorisation import TrainingNeighbours, memorisation
from sparring.metrics.image.metrics import DEFAULT_IMAGE_METRICS, IMAGE_METRICS
from sparring.metrics.image.quick_check import DIAGNOSTIC_SAMPLES, DiagnosticsReference, range_error
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.judge import MAX_SAMPLES, Judge, JudgeSplit, SampleSet
from sparring.metrics.metric import Scores

_SPLITS = {"select": "fifth sixth of the training set", "report": "last sixth of the training set"}
_MIN_SELECTION_SAMPLES = 256
"""Samples scored for selection, at least: with few real images, as many samples would add variance."""
_MIN_FITTED = 150
"""Images needed for self-supervised features; with 66 or 133, they ranked checkpoints no better than pixels
(docs/measured/metrics.md)."""
_CHUNK = 512
"""Images processed at once."""
_NOISE_STD = 20.0
"""Standard deviation of the noise on copies, of 255."""


@dataclass(frozen=True, eq=False)
class ImageJudge(Judge):
    features: FeatureExtractor
    train: Tensor
    """uint8 (n, c, h, w)."""
    test: Tensor
    accuracy: float | None = None
    """Accuracy of the classifier on the test split."""
    labels: Tensor | None = None
    """Classes of `train`, int64 (n,)."""
    test_labels: Tensor | None = None
    metrics = IMAGE_METRICS
    selection_metric = "frechet"
    default = DEFAULT_IMAGE_METRICS

    def span(self, name: JudgeSplit) -> slice:
        _, select, report = training_parts(len(self.train))
        return {"select": select, "report": report}[name]

    def real_images(self, name: JudgeSplit) -> Tensor:
        return self.train[self.span(name)]

    @cached_property
    def _parts(self) -> dict[JudgeSplit, FeatureSet]:
        return {name: self._view(SampleSet(self.train, self.labels), self.span(name)) for name in ("select", "report")}

    def _view(self, drawn: SampleSet, kept: slice = slice(None)) -> FeatureSet:
        return FeatureSet(drawn.values[kept], self.features, None if drawn.labels is None else drawn.labels[kept])

    @cached_property
    def training_neighbours(self) -> TrainingNeighbours:
        return TrainingNeighbours(self.features(self.train), self.features(self.test[:MAX_SAMPLES]))

    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> Comparison:
        return Comparison(self._view(drawn), self._parts[part], lambda: self.training_neighbours)

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        accuracy = "" if self.accuracy is None else f", classifier accuracy {self.accuracy:.2%}"
        return (
            f"{self.features.name} features {self.features.digest}{accuracy}; {samples:,} samples "
            f"against {len(self.real_images(part)):,} real images ({_SPLITS[part]}), uint8, {self.features.resize}"
        )

    def sample_count(self, part: JudgeSplit) -> int:
        n = min(MAX_SAMPLES, len(self.real_images(part)))
        return n if part == "report" else max(n, _MIN_SELECTION_SAMPLES)

    @cached_property
    def _glancer(self) -> DiagnosticsReference:
        view = self._parts["select"]
        subset = view.of(torch.arange(min(DIAGNOSTIC_SAMPLES, len(view))))
        return DiagnosticsReference(subset.embedded, subset.labels, self.features(self.test[:DIAGNOSTIC_SAMPLES]))

    def diagnostics(self, values: Tensor) -> Scores:
        subset = values[:DIAGNOSTIC_SAMPLES]
        return self._glancer(self.features(subset)) | {
            "extent": range_error(subset, self.real_images("select")[:DIAGNOSTIC_SAMPLES])
        }

    def copy_test(self, values: Tensor) -> Scores:
        return self.metrics["memorisation"].compute(self.comparison(SampleSet(values[:DIAGNOSTIC_SAMPLES]), "select"))

    def nearest_training(self, values: Tensor) -> Tensor:
        found = memorisation(self.features(values), self.training_neighbours)
        return torch.stack([values[found.worst], self.train[found.originals]], 1).flatten(0, 1)

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        g = torch.Generator().manual_seed(0)
        which = torch.arange(n) % len(self.train)
        # Copies keep their labels; for the baselines without classes, these labels are random.
        labels = None if self.labels is None else self.labels[which]

        def changed(change: Callable[[Tensor], Tensor]) -> SampleSet:
            return SampleSet(torch.cat([change(self.train[some]) for some in which.split(_CHUNK)]), labels)

        def repeated(image: Tensor) -> SampleSet:
            return SampleSet(image.expand(n, -1, -1, -1), labels)

        yield "real", SampleSet(self.test[:n], None if self.test_labels is None else self.test_labels[:n])
        yield "training copies", SampleSet(self.train[which], labels)
        yield "noisy copies", changed(lambda x: _pixels(x + _NOISE_STD * torch.randn(x.shape, generator=g)))
        yield "blurred copies", changed(_blurred)
        yield "one copy", repeated(self.train[:1])
        total = torch.stack([part.sum(0) for part in self.train.split(MAX_SAMPLES)]).sum(0)
        yield "mean image", repeated((total.double() / len(self.train)).round().to(torch.uint8))
        noise = torch.randint(256, (n, *self.train.shape[1:]), generator=g, dtype=torch.uint8)
        yield "noise", SampleSet(noise, labels)


def _blurred(images: Tensor) -> Tensor:
    """Downsampled by two and upsampled again."""
    half = avg_pool2d(images.float(), 2, ceil_mode=True, count_include_pad=False)
    return _pixels(interpolate(half, images.shape[2:], mode="bilinear"))


def _pixels(x: Tensor) -> Tensor:
    return x.round().clamp(0, 255).to(torch.uint8)


def judge_images(data: JudgeData, cache: Path, features: str | FeatureExtractor | None = None) -> ImageJudge:
    """The judge of a data set: by default by task features if it has classes, else by self-supervised ones, or by
    pixels for fewer than 150 images.

    Fitted networks are stored in `cache` under the data's fingerprint. Raises UserError for unknown or unsuitable
    features.
    """
    if features is None:
        unlabelled = "self" if len(data.train[data.fitting]) >= _MIN_FITTED else "pixels"
        features = "task" if data.classes else unlabelled
    if isinstance(features, str):
        features = named_features(features, data, cache)
    report = training_parts(len(data.train))[2]
    is_classifier = features.head is not None and data.labels is not None and features.name in ("task", "stacked")
    accuracy = features.accuracy(data.train[report], data.labels[report]) if is_classifier else None  # pyright: ignore
    if not data.classes:
        return ImageJudge(features, data.train, data.test, accuracy)
    return ImageJudge(features, data.train, data.test, accuracy, data.labels, data.test_labels)
