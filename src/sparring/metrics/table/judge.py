"""The judge of tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.table.schema import Schema
from sparring.metrics.judge import Judge, Part, SampleSet
from sparring.metrics.table.metrics import TABLES, RowComparison, independent

MOST = 50_000
"""Rows a score is taken of."""
SELECTED = 4_000
"""Rows that weights are selected by."""


class TestRows(SampleSet):
    """Test rows in the samples' place: they are compared with training rows, as samples are with them."""


@dataclass(frozen=True, eq=False)
class TableJudge(Judge):
    """Weights are selected by the fifth sixth of the training rows; reports compare with the test rows, which no
    training has seen."""

    schema: Schema
    train: Tensor
    """Cells (n, columns)."""
    test: Tensor
    metrics = TABLES
    selection_metric = "detection"
    default = tuple(TABLES)

    def part(self, name: Part) -> Tensor:
        n = len(self.train)
        if name == "report":
            return self.test[:MOST]
        return self.train[2 * n // 3 : 2 * n // 3 + max(n // 6, 12)][:SELECTED]

    def case(self, drawn: SampleSet, part: Part) -> RowComparison:
        real = self.train[5 * len(self.train) // 6 :] if isinstance(drawn, TestRows) else self.part(part)
        return RowComparison(self.schema, drawn.values, real[:MOST], self.train)

    def describe_reference(self, part: Part, samples: int) -> str:
        told = {"select": "fifth sixth of the training rows", "report": "test rows, unseen"}
        rows = f"{len(self.part(part)):,} real rows ({told[part]}; the row real: the other way)"
        return f"{samples:,} samples against {rows}"

    def sample_count(self, part: Part) -> int:
        return min(MOST, len(self.train)) if part == "report" else len(self.part(part))

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        yield "real", TestRows(self.test[:n])
        yield "training copies", SampleSet(self.train[torch.arange(n) % len(self.train)])
        yield "independent columns", SampleSet(independent(self.train, n))
