"""Input of image metrics: images with lazily computed features."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from sparring.metrics.distances import neighbour_radii
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.frechet import Moments
from sparring.metrics.image.memorisation import TrainingNeighbours
from sparring.metrics.image.precision_recall import K


@dataclass(frozen=True, eq=False)
class FeatureSet:
    values: Tensor
    """uint8 (n, c, h, w)."""
    features: FeatureExtractor
    labels: Tensor | None = None
    """Requested or true class of each image, int64 (n,)."""

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def embedded(self) -> Tensor:
        """Features, float64 (n, d)."""
        return self.features(self.values)

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self.embedded)

    @cached_property
    def radii(self) -> Tensor:
        """Squared distance of each image to its k-th nearest neighbour, (n,)."""
        return neighbour_radii(self.embedded, K)

    @cached_property
    def probabilities(self) -> Tensor:
        """Class probabilities (n, classes). Raises UserError if the extractor is not a classifier."""
        return self.features.logits(self.embedded).softmax(1)

    def of(self, kept: Tensor) -> "FeatureSet":
        """Subset of these indices; reuses computed features."""
        part = FeatureSet(self.values[kept], self.features, None if self.labels is None else self.labels[kept])
        part.__dict__["embedded"] = self.embedded[kept]
        return part


@dataclass(frozen=True, eq=False)
class Comparison:
    """Samples and the real images they are compared with."""

    fake: FeatureSet
    real: FeatureSet
    """Images of the validation or test split."""
    memory: Callable[[], TrainingNeighbours]
    """Training set and held-out images, for the memorisation test."""

    def of(self, kept: Tensor) -> "Comparison":
        """Comparison of a subset of the samples."""
        return Comparison(self.fake.of(kept), self.real, self.memory)
