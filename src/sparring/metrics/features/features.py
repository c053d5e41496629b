"""Feature extractors of images: a fixed network and its digest."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.progress import progress_range

EXTRACTOR_BATCH = 50
"""Images per batch: small, so that activations stay in a core's cache."""


@dataclass(frozen=True)
class FeatureExtractor:
    """uint8 images (n, c, h, w) → float64 features (n, d), on the CPU."""

    name: str
    body: Callable[[Tensor], Tensor]
    """Images, float32 (n, c, h, w) in [−1, 1], → features (n, d)."""
    digest: str
    """Hash of the weights; scores with equal digests are comparable."""
    head: nn.Module | None = None
    """Features → logits (n, classes), for classifiers."""
    resize: str = "no resize"
    """How images are resized; part of the protocol."""

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (n, c, h, w) → float64 (n, d). Raises UserError for features that are not finite."""
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
        """Logits (n, classes) of features (n, d). Raises UserError if the extractor is not a classifier."""
        if self.head is None:
            raise UserError(f"{self.name} features have no classifier: use --features task, which needs labelled data")
        return torch.cat([self.head(chunk.float()) for chunk in features.split(EXTRACTOR_BATCH)])

    def predict(self, pixels: Tensor) -> Tensor:
        """Predicted class of each image, int64 (n,)."""
        return self.logits(self(pixels)).argmax(1)

    def accuracy(self, pixels: Tensor, labels: Tensor) -> float:
        """Classification accuracy on images uint8 (n, c, h, w) with labels int64 (n,)."""
        return float((self.predict(pixels) == labels.cpu()).double().mean())


def to_extractor_input(pixels: Tensor) -> Tensor:
    """uint8 → float32 in [−1, 1], the input of extractors."""
    return pixels.float() / 127.5 - 1


def weights_digest(weights: Iterable[Tensor]) -> str:
    """First 12 hexadecimal digits of the weights' sha256."""
    found = hashlib.sha256()
    for weight in weights:
        found.update(weight.detach().cpu().contiguous().numpy().data)
    return found.hexdigest()[:12]
