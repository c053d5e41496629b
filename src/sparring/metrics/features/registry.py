"""Registry of feature extractors by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sparring.errors import UserError, did_you_mean
from sparring.metrics.features.custom import FILE_EXTRACTORS
from sparring.metrics.features.dinov2 import dinov2_features
from sparring.metrics.features.extractors import pixel_features, random_features, stacked_features, task_features
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.published import PREPROCESSING, inception_features
from sparring.metrics.features.self_supervised import self_features


@dataclass(frozen=True, eq=False)
class JudgeData:
    """A data set of images, as used by judges."""

    train: Tensor
    """uint8 (n, c, h, w)."""
    test: Tensor
    labels: Tensor | None
    """Classes of `train`, int64 (n,)."""
    classes: int
    fingerprint: str
    test_labels: Tensor | None = None

    @property
    def fitting(self) -> slice:
        """The part of `train` that extractors are fitted to."""
        return training_parts(len(self.train))[0]


def training_parts(n: int) -> tuple[slice, slice, slice]:
    """Of n ≥ 4 training examples, the first two thirds, for fitting, the next sixth, for selection, and the last, for
    reports; both have two examples or more."""
    held_out = max(n // 6, 2)
    cut = min(2 * n // 3, n - 2 * held_out)
    return slice(cut), slice(cut, cut + held_out), slice(cut + held_out, n)


def _task(data: JudgeData, cache: Path) -> FeatureExtractor:
    if not data.classes or data.labels is None:
        raise UserError("task features need images with classes: use --features self")
    kept = cache / "judges" / f"{data.fingerprint}.safetensors"
    return task_features(data.train[data.fitting], data.labels[data.fitting], data.classes, kept)


def _self(data: JudgeData, cache: Path) -> FeatureExtractor:
    return self_features(data.train[data.fitting], cache / "judges" / f"{data.fingerprint}-self.safetensors")


def _stacked(data: JudgeData, cache: Path) -> FeatureExtractor:
    if data.labels is None or data.classes != 10 ** data.train.shape[1]:
        raise UserError("stacked features need stacked digits, as in stacked-mnist: use --features task")
    kept = cache / "judges" / f"{data.fingerprint}-stacked.safetensors"
    return stacked_features(data.train[data.fitting], data.labels[data.fitting], kept)


def _published(name: str) -> Callable[[JudgeData, Path], FeatureExtractor]:
    return lambda data, cache: inception_features(cache, name)


FEATURES: dict[str, Callable[[JudgeData, Path], FeatureExtractor]] = {
    "task": _task,
    "self": _self,
    "stacked": _stacked,
    "random": lambda data, cache: random_features(data.train.shape[1]),
    "pixels": lambda data, cache: pixel_features(data.train[data.fitting]),
    **{name: _published(name) for name in PREPROCESSING},
    "dinov2": lambda data, cache: dinov2_features(),
}


def named_features(name: str, data: JudgeData, cache: Path) -> FeatureExtractor:
    """The extractor of this name or file. Raises UserError for unknown or unsuitable features."""
    if name in FEATURES:
        return FEATURES[name](data, cache)
    if Path(name).suffix in FILE_EXTRACTORS:
        return FILE_EXTRACTORS[Path(name).suffix](Path(name))
    raise UserError(
        f"unknown features '{name}'{did_you_mean(name, FEATURES)}; use {', '.join(FEATURES)}, "
        f"or a file that ends in {', '.join(FILE_EXTRACTORS)}"
    )
