"""Evaluation protocol of tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.table.schema import Schema
from sparring.metrics.judge import Judge, JudgeSplit, SampleSet
from sparring.metrics.table.metrics import TABLE_METRICS, RowComparison, independent_columns

_MAX_ROWS = 50_000
"""Rows per score, at most."""
_MIN_SELECTION_ROWS, _SELECTION_ROWS = 12, 4_000
"""Rows of the validation split, at least and at most."""


class TestRows(SampleSet):
    """Test rows scored as the baseline "real": they are compared with training rows."""


@dataclass(frozen=True, eq=False)
class TableJudge(Judge):
    """The validation split is the fifth sixth of the training rows; reports compare with the test rows."""

    schema: Schema
    train: Tensor
    """Cells (n, columns)."""
    test: Tensor
    metrics = TABLE_METRICS
    selection_metric = "detection"
    default = tuple(TABLE_METRICS)

    def real_rows(self, name: JudgeSplit) -> Tensor:
        n = len(self.train)
        if name == "report":
            return self.test[:_MAX_ROWS]
        count = max(n // 6, _MIN_SELECTION_ROWS)
        start = max(0, min(2 * n // 3, n - count))
        return self.train[start : start + count][:_SELECTION_ROWS]

    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> RowComparison:
        real = self.train[5 * len(self.train) // 6 :] if isinstance(drawn, TestRows) else self.real_rows(part)
        return RowComparison(self.schema, drawn.values, real[:_MAX_ROWS], self.train)

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        names = {"select": "fifth sixth of the training rows", "report": "test rows, unseen"}
        rows = f"{len(self.real_rows(part)):,} real rows ({names[part]}; the row real: the other way)"
        return f"{samples:,} samples against {rows}"

    def sample_count(self, part: JudgeSplit) -> int:
        return min(_MAX_ROWS, len(self.train)) if part == "report" else len(self.real_rows(part))

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        yield "real", TestRows(self.test[:n])
        yield "training copies", SampleSet(self.train[torch.arange(n) % len(self.train)])
        yield "independent columns", SampleSet(independent_columns(self.train, n))
