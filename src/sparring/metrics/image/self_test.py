"""Self-test of feature extractors: which scores fail to tell obvious defects from real images.

An extractor fitted to few images can map all noise to one point in the midst of the real ones, which then has a
precision of 1.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData, training_parts
from sparring.metrics.image.memorisation import TrainingNeighbours
from sparring.metrics.image.metrics import IMAGE_METRICS
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.metric import Better, compute_scores, is_better
from sparring.storage import atomic

Failures = dict[str, list[str]]
"""By score: the defects that it does not tell from real images."""

_FAILURES = TypeAdapter(Failures)
_VERSION = 1
"""Of the test; results of other versions are not read."""
TESTED = ("frechet", "kernel", "support", "conditional", "classes")
"""Metrics that depend on features and take little time."""
MIN_IMAGES, MAX_IMAGES = 16, 500
"""Real images on each side, at least, for the test to mean anything, and at most."""
_AVERAGED = 1_000
"""Training images in the mean image, at most."""
_BLUR = 4
"""Factor of the lower resolution of blurred images: with 2, real images of low resolution would be as blurred."""
BLIND: Mapping[str, tuple[str, ...]] = {
    "precision": ("the mean image", "copies of one image"),
    "density": ("copies of one image",),
    "inception_score": ("blurred images",),
    "classes": ("blurred images", "uniform noise"),
    "class_kl": ("blurred images", "uniform noise"),
}
"""Defects that scores ignore by definition. Precision and density measure fidelity, which one real image has; besides,
the precision of a single image is 0 or 1, by chance. The others measure the balance of classes."""


def lower_resolution(images: Tensor, factor: int) -> Tensor:
    """Images uint8 (n, c, h, w), averaged over squares and enlarged again."""
    small = avg_pool2d(images.float(), factor, ceil_mode=True, count_include_pad=False)
    return interpolate(small, images.shape[2:], mode="bilinear").round().clamp(0, 255).to(torch.uint8)


def noise_images(n: int, shape: torch.Size, g: torch.Generator) -> Tensor:
    """uint8 (n, *shape)."""
    return torch.randint(256, (n, *shape), generator=g, dtype=torch.uint8)


DEFECTS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "uniform noise": lambda held_out, train: noise_images(
        len(held_out), held_out.shape[1:], torch.Generator().manual_seed(0)
    ),
    "the mean image": lambda held_out, train: mean_image(train).expand_as(held_out),
    "blurred images": lambda held_out, train: lower_resolution(held_out, _BLUR),
    "copies of one image": lambda held_out, train: train[:1].expand_as(held_out),
}
"""By name: held-out images and training images → defective ones, as many as held-out."""


def mean_image(images: Tensor, chunk: int = 10_000) -> Tensor:
    """uint8 (1, c, h, w), in chunks of images."""
    total = torch.stack([part.sum(0) for part in images.split(chunk)]).sum(0)
    return (total.double() / len(images)).round().to(torch.uint8)[None]


@dataclass(frozen=True, eq=False)
class SelfTest:
    """Compares real images with held-out real ones, and with defective ones."""

    features: FeatureExtractor
    data: JudgeData

    def failures(self) -> Failures:
        """Scores by which defects are as good as held-out real images; none if there are too few images to tell."""
        held_out = self._held_out
        if len(held_out) < 2 * MIN_IMAGES:
            return {}
        real, fair = (self._view(self.data.train[part], part) for part in (held_out[::2], held_out[1::2]))
        count = min(len(real), len(fair))
        case = self._comparison(fair, real)
        metrics = {name: IMAGE_METRICS[name] for name in TESTED if not IMAGE_METRICS[name].requirement(case, count)}
        better: dict[str, Better] = {}
        for metric in metrics.values():
            better |= {name: how for name, how in metric.better.items() if how != "neither"}
        expected = compute_scores(metrics, case, count)
        failures: Failures = {}
        fitted = self.data.train[self.data.fitting]
        train = fitted[:: -(-len(fitted) // _AVERAGED)]
        for defect, make in DEFECTS.items():
            images = FeatureSet(make(fair.values, train), self.features, fair.labels)
            scores = compute_scores(metrics, self._comparison(images, real), count)
            for name, how in better.items():
                tells = is_better(how, expected[name], scores[name], expected[name])
                if not tells and defect not in BLIND.get(name, ()):
                    failures.setdefault(name, []).append(defect)
        return failures

    @property
    def _held_out(self) -> Tensor:
        """Indices of images that the extractor was not fitted to, evenly spaced."""
        _, select, report = training_parts(len(self.data.train))
        count = min(2 * MAX_IMAGES, report.stop - select.start)
        return torch.linspace(select.start, report.stop - 1, count).long()

    def _view(self, values: Tensor, which: Tensor) -> FeatureSet:
        labels = self.data.labels if self.data.classes else None
        return FeatureSet(values, self.features, None if labels is None else labels[which])

    def _comparison(self, fake: FeatureSet, real: FeatureSet) -> Comparison:
        return Comparison(fake, real, lambda: TrainingNeighbours(real.embedded, fake.embedded))


def run_self_test(features: FeatureExtractor, data: JudgeData, cache: Path) -> Failures:
    """The failures of an extractor on a data set, stored in `cache` beside fitted extractors."""
    key = "\n".join([data.fingerprint, features.name, features.digest, features.resize, str(_VERSION)])
    path = cache / "judges" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-self-test.json"
    try:
        return _FAILURES.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        failures = SelfTest(features, data).failures()
    with suppress(OSError, UserError):  # the cache is optional
        atomic.ensure_folder(path.parent)
        atomic.write_bytes(path, json.dumps(failures).encode())
    return failures


def describe_failures(failures: Failures, features: str) -> list[str]:
    """A line for each group of scores that fail by the same defects."""
    groups: dict[str, list[str]] = {}
    for score, defects in failures.items():
        *others, last = defects
        groups.setdefault(f"{', '.join(others)} and {last}" if others else last, []).append(score)
    return [
        f"left out: {', '.join(scores)}, by which {defects} score no worse than held-out images ({features} features)"
        for defects, scores in groups.items()
    ]
