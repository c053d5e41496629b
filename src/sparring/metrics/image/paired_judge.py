"""Evaluation protocol of image-to-image translation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.image.metrics import IMAGE_METRICS
from sparring.metrics.image.paired import CLASS_TRANSFER_METRICS, PAIRED_METRICS, PairedComparison
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.judge import JudgeSplit, SampleSet


def median_filter(x: Tensor) -> Tensor:
    """3×3 median filter of images uint8 (n, c, h, w)."""
    padded = torch.nn.functional.pad(x.float(), (1, 1, 1, 1), mode="replicate")
    shifts = [padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] for i in range(3) for j in range(3)]
    return torch.stack(shifts).median(0).values.to(torch.uint8)


def resize_pixels(x: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resizes images uint8 (n, c, h, w) by an interpolation mode of PyTorch."""
    return interpolate(x.float(), size, mode=mode).round().clamp(0, 255).to(torch.uint8)


def match_channels(x: Tensor, channels: int) -> Tensor:
    """Converts between grey and RGB by repeating or averaging channels."""
    if x.shape[1] == channels:
        return x
    grey = x[:, :3].float().mean(1, keepdim=True).round().to(torch.uint8)
    return grey.expand(-1, channels, -1, -1)


@dataclass(frozen=True, eq=False)
class PairedSplit:
    """Input images, their targets, and known pixels."""

    condition: Tensor
    truth: Tensor
    mask_known: Tensor | None = None
    labels: Tensor | None = None
    """Target classes, int64 (n,)."""


@dataclass(frozen=True, eq=False)
class PairedJudge(ImageJudge):
    """Scores translated images by their targets, where known, and as a set by features."""

    references: Mapping[JudgeSplit, PairedSplit] = field(default_factory=dict)
    """Pairs by split: "select" is held out of the training set, "report" is the test set."""
    paired: bool = True
    selected_by: str = ""
    """Selection metric; by default the distance for pairs, else the Fréchet distance."""
    metrics = IMAGE_METRICS | PAIRED_METRICS | CLASS_TRANSFER_METRICS

    @property
    def selection_metric(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.selected_by or ("distance" if self.paired else "frechet")

    @property
    def default(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (
            (*PAIRED_METRICS, "frechet") if self.paired else (*CLASS_TRANSFER_METRICS, "frechet", "kernel", "support")
        )

    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> Comparison:
        labels = self.references[part].labels
        plain = super().comparison(drawn if labels is None else SampleSet(drawn.values, labels[: len(drawn)]), part)
        if not self.paired:
            return plain
        truth = FeatureSet(self.references[part].truth[: len(drawn)], self.features)
        return PairedComparison(plain.fake, plain.real, plain.memory, truth)

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        where = {"select": "held out of the training set", "report": "of the test set"}[part]
        return f"pictures {where}; as a set: {super().describe_reference(part, samples)}"

    def sample_count(self, part: JudgeSplit) -> int:
        return len(self.references[part].truth)

    def nearest_training(self, values: Tensor) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """None: translations of test images are no copies."""

    @property
    def test_count(self) -> int:
        return len(self.references["report"].truth)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        held: PairedSplit = self.references["report"]
        truth, given = held.truth[:n], match_channels(held.condition[:n], held.truth.shape[1])
        mean = self.train[:10_000].double().mean(0).round().to(torch.uint8).expand(len(truth), -1, -1, -1)
        yield "real", SampleSet(truth)
        yield "mean image", SampleSet(mean)
        if given.shape[2:] != truth.shape[2:]:
            size = (truth.shape[2], truth.shape[3])
            for mode in ("nearest", "bicubic"):
                yield mode, SampleSet(resize_pixels(given, size, mode))
            return
        yield "copy input", SampleSet(given)
        if held.mask_known is not None:
            yield "mean in the holes", SampleSet(torch.where(held.mask_known[:n], given, mean))
        else:
            yield "median filter", SampleSet(median_filter(given))
