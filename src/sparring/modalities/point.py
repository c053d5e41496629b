"""Points: float32 (n, d), of which networks see those at standard deviation 1."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.facts import ArrayFacts, Facts
from sparring.data.load import DataSource, load_points
from sparring.data.points import MIXTURES, scatter
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.point.judge import PointJudge
from sparring.modalities.array_source import InMemory, MemoryMapped
from sparring.modalities.base import Confidence, Modality, Preview, SampleStream, Words
from sparring.recipes.choose import Choice, DataSummary, default_recipe
from sparring.storage.atomic import atomic_write
from sparring.storage.npz import write_npz


class PointModality(Modality):
    name = "point"
    words = Words("point", "points")
    preview_count = 2_500

    @property
    def writers(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        return {".png": self._write_scatter, ".npz": _write_array, ".csv": _write_csv}

    def probe(self, source: DataSource) -> Confidence | None:
        return Confidence(1.0, "a named mixture") if source.spec in MIXTURES else None

    def load(self, source: DataSource) -> Dataset:
        return load_points(source.spec, source.options)

    def encode(self, values: Tensor, facts: Facts) -> Tensor:
        assert isinstance(facts, ArrayFacts)
        return values.float() / facts.scale

    def decode(self, shown: Tensor, facts: Facts) -> Tensor:
        assert isinstance(facts, ArrayFacts)
        return (shown * facts.scale).float()

    def preview(self, values: Tensor, facts: Facts, columns: int | None = None) -> Preview:
        return Preview.png(scatter(values))

    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> InMemory:
        return (MemoryMapped if data.mapped else InMemory)(self, data, device)

    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> PointJudge:
        if features is not None:
            raise UserError("points are judged by their modes, not by features: leave features out")
        mixture = MIXTURES[data.spec]
        return PointJudge(data.test.values, mixture.modes, mixture.sigma)

    def suggest(self, data: DataSummary) -> Choice:
        return default_recipe("points", data)

    def _write_scatter(self, samples: SampleStream, out: Path) -> None:
        with atomic_write(out) as path:
            path.write_bytes(self.preview(samples.values, samples.facts).content)


def _write_array(samples: SampleStream, out: Path) -> None:
    with atomic_write(out) as path:
        write_npz(path, "points", samples.count, (chunk.numpy() for chunk in samples.chunks))


def _write_csv(samples: SampleStream, out: Path) -> None:
    with atomic_write(out) as path, open(path, "w") as file:
        file.write("x,y\n")
        for chunk in samples.chunks:
            np.savetxt(file, chunk.numpy(), fmt="%.7g", delimiter=",")


POINT = PointModality()
