"""A modality: one object that answers everything the rest of the library asks of a kind of data.

A new one is a module with a subclass of `Modality` and a line in `sparring.modalities.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from sparring.data.facts import ArrayFacts, Facts
from sparring.errors import UserError, one_line

if TYPE_CHECKING:
    from sparring.data import Dataset
    from sparring.data.load import DataSource
    from sparring.metrics.features.features import FeatureExtractor
    from sparring.metrics.judge import Judge
    from sparring.recipes import Recipe
    from sparring.recipes.choose import Choice, DataSummary


@dataclass(frozen=True)
class Words:
    """What an example is called."""

    example: str
    examples: str


@dataclass(frozen=True)
class Confidence:
    """How surely a modality reads a SPEC, from 0 to 1, and why."""

    value: float
    reason: str


@dataclass(frozen=True)
class Preview:
    """Examples in a form that a person looks at or listens to."""

    kind: str
    """"png", "wav", "gif", "txt" or "html": the ending of its file."""
    content: bytes

    @staticmethod
    def png(image: Image.Image) -> Preview:
        file = BytesIO()
        image.save(file, "PNG")
        return Preview("png", file.getvalue())

    @property
    def image(self) -> Image.Image:
        """A png or gif, decoded. Raises ValueError for another kind."""
        if self.kind not in ("png", "gif"):
            raise ValueError(f"a preview of kind {self.kind} is no image")
        return Image.open(BytesIO(self.content))


class Sampler(Protocol):
    """What a comparison needs of a model."""

    def sample(self, n: int) -> Tensor: ...

    def preview(self, n: int) -> Preview: ...


@dataclass(frozen=True)
class SampleStream:
    """Samples on their way to a file."""

    chunks: Iterable[Tensor]
    """Stored values (n, …), made while they are read."""
    count: int
    facts: Facts
    numbers: Sequence[int]
    """Number of each sample of a label, for file names."""
    labels: tuple[str, ...] = ()
    """Classes, if the samples are of several, each with `len(numbers)` of them in turn."""

    @property
    def values(self) -> Tensor:
        return torch.cat(list(self.chunks))


Writer = Callable[[SampleStream, Path], None]


class Conditioning(Protocol):
    """What a conditional model can be asked for."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """n conditions, those of the label if one is given. Raises UserError for a label that does not exist."""
        ...


class Source(Protocol):
    """Training data, on the training device."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Tensor) -> tuple[Any, Tensor | None]: ...


class Modality(ABC):
    """Values are stored ones (n, …), on any device; networks see float32."""

    name: str
    words: Words
    facts_type: type = ArrayFacts
    """Of `Dataset.facts`, and of the facts in model.json."""
    preview_count: int
    """Samples in a preview, always of the same latents."""
    chunk: int = 500
    """Samples drawn at once."""
    memory_format: torch.memory_format = torch.contiguous_format
    """That its networks' convolutions are fastest in."""
    bf16_suffices: bool = False
    """Whether values have no more digits than bf16."""
    translates: bool = False
    """Whether models make examples from inputs instead of latents."""
    augments: bool = False
    """Whether `sparring.augment` is made for it."""
    legend: str = "Real (left) and generated (right)"
    """Above the comparison in a report."""
    usage: str = '`sparring.load("…").sample(16, seed=0)` draws from it'
    """How a model is used, in its model card."""
    writers: Mapping[str, Writer]
    """By the ending of the file; "" writes a folder."""

    @abstractmethod
    def probe(self, source: DataSource) -> Confidence | None:
        """Whether it reads a SPEC; None if it can't."""

    @abstractmethod
    def load(self, source: DataSource) -> Dataset:
        """Raises UserError for data that is damaged or too small, and for options that do not suit it."""

    @abstractmethod
    def encode(self, values: Tensor, facts: Facts) -> Tensor:
        """Stored values → what networks see, float32."""

    @abstractmethod
    def decode(self, shown: Tensor, facts: Facts) -> Tensor:
        """The inverse of `encode`, for what generators make."""

    def mirror(self, shown: Tensor) -> Tensor:
        """Mirrored copies of what networks see. Raises UserError where examples have none."""
        raise UserError(f"{self.words.examples} have no mirror images: leave flip out")

    def to_memory_format(self, module: nn.Module) -> nn.Module:
        return module.to(memory_format=self.memory_format)  # pyright: ignore[reportCallIssue]

    @abstractmethod
    def preview(self, values: Tensor, facts: Facts, columns: int | None = None) -> Preview:
        """Stored values together, in so many columns if it has any."""

    def comparison(self, data: Dataset, model: Sampler) -> Preview:
        """Test examples on the left, as many samples on the right. Override it if previews are no images."""
        real = self.preview(data.test.values[: self.preview_count], data.facts).image
        return Preview.png(beside(real, model.preview(self.preview_count).image))

    @abstractmethod
    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> Source:
        """What the training loop draws batches from."""

    def conditioning(self, facts: Facts) -> Conditioning | None:
        """Conditions that the facts define; None if they are the labels of examples."""
        return None

    @abstractmethod
    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> Judge:
        """Metrics and baselines. Raises UserError for features that do not exist or do not suit the data."""

    def prepare(self, data: Dataset, recipe: Recipe) -> Dataset:
        """The data as recipes of this modality learn it. Raises UserError for data that the recipe can't learn."""
        return data

    def notes(self, data: Dataset) -> list[str]:
        """What was found in the data, a line each with the way to say otherwise; printed before training."""
        return list(data.remarks)

    @abstractmethod
    def suggest(self, data: DataSummary) -> Choice:
        """The recipe that suits the data, and why."""

    def read_samples(self, spec: str, like: Dataset) -> Tensor:
        """Stored values (n, …) of a SPEC that are compared with models of `like`. Raises UserError."""
        raise UserError(
            f"{one_line(spec)} is no run: only runs are compared by {self.words.examples}; "
            "score a file of samples with spar evaluate"
        )


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two images with a gap between them."""
    gap = left.width // 16
    both = Image.new("RGB", (left.width + gap + right.width, max(left.height, right.height)), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both
