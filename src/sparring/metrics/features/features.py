"""What images are compared by: features of a fixed network."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.progress import progress_range

EXTRACTOR_BATCH = 50
"""Images at once: few enough for what the layers hand on to stay in a core's cache."""


@dataclass(frozen=True)
class FeatureExtractor:
    """uint8 images (n, c, h, w) → float64 features (n, d), on the CPU."""

    name: str
    body: Callable[[Tensor], Tensor]
    """Images, float32 (n, c, h, w) in [−1, 1], → features (n, d)."""
    digest: str
    """Of the weights, so that two scores can be told to be comparable."""
    head: nn.Module | None = None
    """Features → logits (n, classes), if the network is a classifier."""
    resize: str = "no resize"
    """What the body does to the size of images, in the words of the protocol."""

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """Raises UserError for features that are not numbers."""
        chunks = pixels.cpu().split(EXTRACTOR_BATCH)
        about = f"{self.name} features of {len(pixels):,} images"
        found = torch.cat(
            [self.body(to_extractor_input(chunks[i])) for i in progress_range(len(chunks), about)]
        ).double()
        if not found.isfinite().all():
            raise UserError(f"{self.name} features {self.digest} of some images are not finite: use other features")
        return found

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """(n, classes). Raises UserError for features that come from no classifier."""
        if self.head is None:
            raise UserError(f"{self.name} features name no classes: use task features, which need labelled data")
        return torch.cat([self.head(chunk.float()) for chunk in features.split(EXTRACTOR_BATCH)])

    def predict(self, pixels: Tensor) -> Tensor:
        """The class the classifier takes each image for, int64 (n,)."""
        return self.logits(self(pixels)).argmax(1)

    def accuracy(self, pixels: Tensor, labels: Tensor) -> float:
        """The share of images the classifier names rightly."""
        return float((self.predict(pixels) == labels.cpu()).double().mean())


def to_extractor_input(pixels: Tensor) -> Tensor:
    """uint8 → float32 in [−1, 1], what bodies take."""
    return pixels.float() / 127.5 - 1


def weights_digest(weights: Iterable[Tensor]) -> str:
    """12 hex characters of the sha256 over the weights' bytes."""
    found = hashlib.sha256()
    for weight in weights:
        found.update(weight.detach().cpu().contiguous().numpy().data)
    return found.hexdigest()[:12]
