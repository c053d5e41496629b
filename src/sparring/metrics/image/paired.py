"""Metrics of generated images with known targets."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sparring.metrics.image.metrics import IMAGE_METRICS, lacks_size
from sparring.metrics.image.ms_ssim import WINDOW, ssim_of_pixels
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.metric import Metric, Scores

_CHUNK = 200


MAX_PSNR = 100.0
"""PSNR of an exact image, in dB."""


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute error (n,) of images uint8 (n, c, h, w), scaled to [0, 1]."""
    return (x.double() - y.double()).abs().flatten(1).mean(1) / 255


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """PSNR (n,) in dB, at most 100, of images uint8 (n, c, h, w): 10 log₁₀(255² / E(x − y)²)."""
    error = (x.double() - y.double()).square().flatten(1).mean(1) / 255**2
    return (-10 * error.clamp(min=1e-20).log10()).clamp(max=MAX_PSNR)


def retrieval_accuracy(fake: Tensor, truth: Tensor, first: int) -> float:
    """Top-`first` retrieval accuracy of the target among all targets, by features (n, d)."""
    distances = torch.cdist(fake, truth)
    own = distances.diagonal()[:, None]
    return float(((distances < own).sum(1) < first).double().mean())


def _mean(of: Callable[[Tensor, Tensor], Tensor], generated: Tensor, truth: Tensor) -> float:
    pairs = zip(generated.split(_CHUNK), truth.split(_CHUNK), strict=True)
    return float(torch.cat([of(x, y) for x, y in pairs]).mean())


@dataclass(frozen=True, eq=False)
class PairedComparison(Comparison):
    truth: FeatureSet
    """Target of each generated image."""

    def of(self, kept: Tensor) -> "PairedComparison":
        return PairedComparison(self.fake.of(kept), self.real, self.memory, self.truth.of(kept))


def _likeness(case: PairedComparison) -> Scores:
    return {
        "l1": _mean(l1, case.fake.values, case.truth.values),
        "psnr": _mean(psnr, case.fake.values, case.truth.values),
    }


def _structure(case: PairedComparison) -> Scores:
    return {"ssim": _mean(ssim_of_pixels, case.fake.values, case.truth.values)}


def _retrieval(case: PairedComparison) -> Scores:
    fake, truth = case.fake.embedded, case.truth.embedded
    found = {f"top{first}": retrieval_accuracy(fake, truth, first) for first in (1, 5)}
    return found | {"feature_distance": float((fake - truth).norm(dim=1).mean())}


PAIRED_METRICS = {
    "distance": Metric("L1 and PSNR picture by picture", {"l1": "less", "psnr": "more"}, _likeness),
    "structure": Metric("SSIM picture by picture", {"ssim": "more"}, _structure, lacks_size(WINDOW)),
    "retrieval": Metric(
        "retrieval of the right answer by features among all, and the distance to it",
        {"top1": "more", "top5": "more", "feature_distance": "less"},
        _retrieval,
    ),
}


CLASS_TRANSFER_METRICS = {
    "moved": replace(IMAGE_METRICS["conditional"], better={"class_frechet": "less", "class_accuracy": "more"})
}
"""Metrics of images translated to a class; the first score selects checkpoints."""
