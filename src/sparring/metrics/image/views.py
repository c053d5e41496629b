"""What metrics see of a set of images: the images, and what features make of them, worked out when first asked for."""

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
    """What each was asked to be, or is; int64 (n,)."""

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
        """Squared distance of each to its k-th nearest fellow, (n,)."""
        return neighbour_radii(self.embedded, K)

    @cached_property
    def probabilities(self) -> Tensor:
        """Of the features' own classes, (n, classes). Raises UserError for features that know none."""
        return self.features.logits(self.embedded).softmax(1)

    def of(self, kept: Tensor) -> "FeatureSet":
        """The images with these indices; features are not worked out again."""
        part = FeatureSet(self.values[kept], self.features, None if self.labels is None else self.labels[kept])
        part.__dict__["embedded"] = self.embedded[kept]
        return part


@dataclass(frozen=True, eq=False)
class Comparison:
    """What images are scored on."""

    fake: FeatureSet
    real: FeatureSet
    """The part of the training set they are compared with."""
    memory: Callable[[], TrainingNeighbours]
    """What was trained on, and real images that were not."""

    def of(self, kept: Tensor) -> "Comparison":
        """With these of the samples."""
        return Comparison(self.fake.of(kept), self.real, self.memory)
