"""Tables: cells float64 (n, columns), of which networks see one-hot options and positions (n, width)."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.facts import Facts
from sparring.data.load import DataSource, load_table_file
from sparring.data.table import arrow
from sparring.data.table.formulas import Formula
from sparring.data.table.preview import histograms, sketch
from sparring.data.table.schema import Schema
from sparring.errors import UserError, one_line
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.table.judge import TableJudge
from sparring.modalities.array_source import InMemory
from sparring.modalities.base import Confidence, Modality, Preview, Sampler, SampleStream, Source, Words
from sparring.modalities.conditional_rows import ConditionalRows, TableConditions
from sparring.recipes import Recipe
from sparring.recipes.choose import Choice, DataSummary, default_recipe
from sparring.storage.atomic import atomic_write
from sparring.storage.paths import file_ending

HELD_OUT_EVERY, MIN_HELD_OUT = 10, 12
"""Of small tables, every so-many-th training row is held out, if these are enough rows."""


class TableModality(Modality):
    name = "table"
    words = Words("row", "rows")
    facts_type = Schema
    preview_count = 5_000
    chunk = 5_000

    @property
    def writers(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        return {".csv": _write_table, ".parquet": _write_table}

    def probe(self, source: DataSource) -> Confidence | None:
        return Confidence(1.0, "a file of rows") if not source.ready and source.table else None

    def load(self, source: DataSource) -> Dataset:
        return load_table_file(source)

    def encode(self, values: Tensor, facts: Facts) -> Tensor:
        return _schema(facts).encode(values)

    def decode(self, shown: Tensor, facts: Facts) -> Tensor:
        return _schema(facts).decode(shown)

    def preview(self, values: Tensor, facts: Facts, columns: int | None = None) -> Preview:
        return Preview.png(sketch(_schema(facts), values))

    def comparison(self, data: Dataset, model: Sampler) -> Preview:
        """Histograms of each column, laid over each other, and what columns have to do with each other."""
        n = self.preview_count
        tables = {"real": data.test.values[:n], "generated": model.sample(n)}
        return Preview.png(histograms(_schema(data.facts), tables))

    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> Source:
        return ConditionalRows(data, _schema(data.facts), device) if conditional else InMemory(self, data, device)

    def conditioning(self, facts: Facts) -> TableConditions:
        schema = _schema(facts)
        return TableConditions(schema.option_shares, tuple(schema.choices))

    def prepare(self, data: Dataset, recipe: Recipe) -> Dataset:
        """Holds out every tenth training row of a small table, to choose weights by."""
        n = len(data.train)
        if recipe.length(n) == recipe.images or n < MIN_HELD_OUT * HELD_OUT_EVERY:
            return data
        held_out = torch.zeros(n, dtype=torch.bool)
        held_out[torch.randperm(n, generator=torch.Generator().manual_seed(0))[: n // HELD_OUT_EVERY]] = True
        return replace(data, train=data.train[~held_out], select=data.train[held_out])

    def notes(self, data: Dataset) -> list[str]:
        formulas = [each for each in _schema(data.facts).constraints if isinstance(each, Formula)]
        return [
            one_line(f"computed: {formula} (set the kind of '{formula.total}' to 'number' to learn it instead)")
            for formula in formulas
        ]

    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> TableJudge:
        if features is not None:
            raise UserError("tables are judged column by column, not by features: leave features out")
        held_out = None if data.select is None else data.select.values
        return TableJudge(_schema(data.facts), data.train.values, data.test.values, held_out)

    def suggest(self, data: DataSummary) -> Choice:
        return default_recipe("table", data)


def _schema(facts: Facts) -> Schema:
    assert isinstance(facts, Schema)
    return facts


def _write_table(samples: SampleStream, out: Path) -> None:
    table = _schema(samples.facts).table(samples.values)
    with atomic_write(out) as path:
        arrow.write_table_file(table, path, file_ending(out))


TABLE = TableModality()
