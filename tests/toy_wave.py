"""A toy modality in one module: waves, float32 (n, samples), from a .wave file (JSON lists)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.dataset import Split, split
from sparring.data.facts import ArrayFacts, Facts
from sparring.data.load import DataSource
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.judge import Judge, JudgeSplit, SampleSet
from sparring.metrics.metric import Metric
from sparring.modalities.array_source import InMemory
from sparring.modalities.base import Confidence, Modality, Preview, Sampler, SampleStream, Words
from sparring.recipes import Recipe
from sparring.recipes.choose import Choice, DataSummary
from sparring.recipes.recipe import Network
from sparring.storage.atomic import atomic_write

ENDING = ".wave"
TOY_RECIPE = Recipe(
    name="toy-wave",
    paper="none",
    about="perceptrons for waves",
    generator=Network("mlp-generator", {"widths": [8], "output": "linear"}),
    critic=Network("mlp-critic", {"widths": [8]}),
    modality="wave",
    z=4,
    batch=8,
    images=16,
)


@dataclass(frozen=True, eq=False)
class Powers:
    """Mean squares of generated and real waves."""

    fake: Tensor
    real: Tensor

    def of(self, kept: Tensor) -> "Powers":
        return Powers(self.fake[kept], self.real)


def _power_error(case: Powers) -> dict[str, float]:
    return {"power_error": abs(float(case.fake.mean() - case.real.mean()))}


@dataclass(frozen=True, eq=False)
class WaveJudge(Judge):
    train: Tensor
    test: Tensor
    metrics = {"power": Metric("difference of mean squares", {"power_error": "less"}, _power_error)}
    selection_metric = "power"
    default = ("power",)

    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> Powers:
        real = self.test if part == "report" else self.train
        return Powers(drawn.values.square().mean(1), real.square().mean(1))

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        return f"{samples:,} samples"

    def sample_count(self, part: JudgeSplit) -> int:
        return len(self.test)

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        yield "real", SampleSet(self.test[:n])
        yield "silence", SampleSet(torch.zeros(n, self.test.shape[1]))


class WaveModality(Modality):
    name = "wave"
    words = Words("wave", "waves")
    preview_count = 3
    legend = "Real (first) and generated"

    @property
    def writers(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        return {ENDING: _write_waves}

    def probe(self, source: DataSource) -> Confidence | None:
        return Confidence(1.0, "a file of waves") if source.spec.endswith(ENDING) else None

    def load(self, source: DataSource) -> Dataset:
        train, test = split(Split(_read(source.spec)))
        facts = ArrayFacts(float(train.values.std()))
        return Dataset.of(source.spec, train, test, (), modality=self.name, facts=facts)

    def encode(self, values: Tensor, facts: Facts) -> Tensor:
        assert isinstance(facts, ArrayFacts)
        return values / facts.scale

    def decode(self, shown: Tensor, facts: Facts) -> Tensor:
        assert isinstance(facts, ArrayFacts)
        return shown.float() * facts.scale

    def preview(self, values: Tensor, facts: Facts, columns: int | None = None) -> Preview:
        lines = [" ".join(f"{x:+.2f}" for x in wave) for wave in values.tolist()]
        return Preview("txt", "\n".join(lines).encode())

    def comparison(self, data: Dataset, model: Sampler) -> Preview:
        real = self.preview(data.test.values[: self.preview_count], data.facts)
        return Preview("txt", b"\n\n".join([real.content, model.preview(self.preview_count).content]))

    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> InMemory:
        return InMemory(self, data, device)

    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> WaveJudge:
        return WaveJudge(data.train.values, data.test.values)

    def suggest(self, data: DataSummary) -> Choice:
        return Choice(TOY_RECIPE, TOY_RECIPE.images, ("the only one",))

    def read_samples(self, spec: str, like: Dataset) -> Tensor:
        return _read(spec)


def _read(spec: str) -> Tensor:
    try:
        return torch.tensor(json.loads(Path(spec).read_bytes()), dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise UserError(f"can't read waves from {spec}: {error}") from None


def _write_waves(stream: SampleStream, out: Path) -> None:
    with atomic_write(out) as aside:
        aside.write_text(json.dumps(stream.values.tolist()))


WAVE = WaveModality()
