"""Evaluation protocol of images.

Feature extractors are fitted to the first two thirds of the training set. The next sixth is the validation split, for
stopping and checkpoint selection, the last sixth the test split of reports; "real" scores the test set in the samples'
place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData, named_features, training_parts
from sparring.metrics.image.memorisation import TrainingNeighbours, memorisation
from sparring.metrics.image.metrics import DEFAULT_IMAGE_METRICS, IMAGE_METRICS
from sparring.metrics.image.quick_check import DIAGNOSTIC_SAMPLES, DiagnosticsReference, range_error
from sparring.metrics.image.self_test import (
    Failures,
    SelfTest,
    describe_failures,
    lower_resolution,
    mean_image,
    noise_images,
    run_self_test,
)
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.judge import MAX_SAMPLES, Judge, JudgeSplit, SampleSet
from sparring.metrics.metric import Metric, Scores

_SPLITS = {"select": "fifth sixth of the training set", "report": "last sixth of the training set"}
_MIN_SELECTION_SAMPLES = 256
"""Samples scored for selection, at least: with few real images, as many samples would add variance."""
_MIN_FITTED = 150
"""Images needed for self-supervised features; with 66 or 133, they ranked checkpoints no better than pixels
(docs/measured/metrics.md)."""
_MIN_ACCURACY = 0.8
"""Accuracy of the classifier below which its features are distrusted."""
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
    failures: Failures = field(default_factory=dict)
    """Scores that fail the extractor's self-test, which are left out of reports."""
    replaced: str = ""
    """Why other features are used than the data set's usual ones, if so."""
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

    def choose_metrics(self, names: Sequence[str], drawn: SampleSet, samples: int) -> dict[str, Metric]:
        """Without the scores that fail the self-test. Raises UserError too if no requested score is left."""
        chosen = super().choose_metrics(names, drawn, samples)
        tested = {name: metric.without(self.failures) for name, metric in chosen.items()}
        left = {name: metric for name, metric in tested.items() if metric.better}
        if names and chosen and not left:
            asked = {score for metric in chosen.values() for score in metric.better}
            failures = {score: defects for score, defects in self.failures.items() if score in asked}
            reasons = "; ".join(describe_failures(failures, self.features.name))
            raise UserError(f"{', '.join(names)}: {reasons}: use other --features")
        return left

    @property
    def warnings(self) -> list[str]:
        found = [self.replaced] if self.replaced else []
        if self.accuracy is not None and self.accuracy < _MIN_ACCURACY:
            found.append(
                f"the classifier of {self.features.name} features is only {self.accuracy:.1%} accurate, so scores may "
                "flatter: ask for a second opinion (--second-opinion inception)"
            )
        return found + describe_failures(self.failures, self.features.name)

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
        yield "blurred copies", changed(lambda x: lower_resolution(x, 2))
        yield "one copy", repeated(self.train[:1])
        yield "mean image", repeated(mean_image(self.train)[0])
        yield "noise", SampleSet(noise_images(n, self.train.shape[1:], g), labels)


def _pixels(x: Tensor) -> Tensor:
    return x.round().clamp(0, 255).to(torch.uint8)


def judge_images(data: JudgeData, cache: Path, features: str | FeatureExtractor | None = None) -> ImageJudge:
    """The judge of a data set: by default by task features if it has classes, else by self-supervised ones, or by
    pixels for fewer than 150 images; by pixels or random features where these fail their self-test.

    Fitted networks and results of self-tests are stored in `cache` under the data's fingerprint. Raises UserError for
    unknown or unsuitable features.
    """
    replaced = ""
    if features is None:
        features, failures, replaced = _default_features(data, cache)
    elif isinstance(features, str):
        features = named_features(features, data, cache)
        failures = run_self_test(features, data, cache)
    else:
        failures = SelfTest(features, data).failures()  # not stored: its digest is the caller's word
    report = training_parts(len(data.train))[2]
    is_classifier = features.head is not None and data.labels is not None and features.name in ("task", "stacked")
    accuracy = features.accuracy(data.train[report], data.labels[report]) if is_classifier else None  # pyright: ignore
    labels = (data.labels, data.test_labels) if data.classes else (None, None)
    return ImageJudge(features, data.train, data.test, accuracy, *labels, failures, replaced)


def _default_features(data: JudgeData, cache: Path) -> tuple[FeatureExtractor, Failures, str]:
    """The usual features, or the first others by which the selection score passes the self-test, and why."""
    unlabelled = "self" if len(data.train[data.fitting]) >= _MIN_FITTED else "pixels"
    names = dict.fromkeys(("task" if data.classes else unlabelled, "pixels", "random"))
    tested = []
    for name in names:
        features = named_features(name, data, cache)
        failures = run_self_test(features, data, cache)
        tested.append((features, failures))
        if ImageJudge.selection_metric not in failures:
            break
    else:
        return *tested[0], ""
    if len(tested) == 1:
        return *tested[0], ""
    usual, failed = tested[0]
    (reason,) = describe_failures({ImageJudge.selection_metric: failed[ImageJudge.selection_metric]}, usual.name)
    return *tested[-1], f"{tested[-1][0].name} features are used instead of {usual.name}; {reason}"
