"""Evaluation protocol of tables."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparring.data.table.schema import Schema
from sparring.metrics.judge import Judge, JudgeSplit, SampleSet
from sparring.metrics.metric import Scores
from sparring.metrics.table.columns import detection_auc
from sparring.metrics.table.metrics import TABLE_METRICS, RowComparison, independent_columns
from sparring.metrics.table.overfitting import TOO_NEAR, negative_log_likelihood, relative_nearness
from sparring.networks.rows import RowGenerator

_MAX_ROWS = 50_000
"""Rows per score, at most."""
_MIN_SELECTION_ROWS, _SELECTION_ROWS = 12, 4_000
"""Rows of the validation split, at least and at most."""

_NLL_WEIGHT = 0.25
"""In the selection score, of −log p in nats per column: with 491 rows of diamonds, by 1 the likelihood would select
weights whose samples are detected with an AUC of .81 instead of .70."""
_LIKELIHOOD_SEED = 2**41
"""Of the latents for likelihoods, which no user draws."""


class TestRows(SampleSet):
    """Test rows scored as the baseline "real": they are compared with training rows."""


@dataclass(frozen=True, eq=False)
class TableJudge(Judge):
    """The validation split is the fifth sixth of the training rows; reports compare with the test rows.

    The rows of a small table can be learnt by heart, and samples then look real by their detection. So its weights are
    selected by the likelihood of held-out rows too, and by whether samples are nearer to training rows than they are.
    """

    schema: Schema
    train: Tensor
    """Cells (n, columns)."""
    test: Tensor
    held_out: Tensor | None = None
    """Rows of a small table, not in `train`, by which weights are selected too."""
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

    @property
    def score_names(self) -> tuple[str, ...]:
        names = super().score_names
        return names if self.held_out is None else ("selection", *names, "likelihood", "nearness")

    def training_scores(self, values: Tensor, model: Any) -> Scores:
        if self.held_out is None:
            return super().training_scores(values, model)
        detection = detection_auc(self.schema, values, self.train)
        nearness = relative_nearness(self.schema, values, self.held_out, self.train)
        nll = 0.0  # networks of the user's own may have no likelihood
        if isinstance(model.G, RowGenerator):
            nll = negative_log_likelihood(model.G, self.schema, self.held_out, model.draw_inputs(_LIKELIHOOD_SEED))
        selection = detection + _NLL_WEIGHT * nll + max(0.0, 1 - nearness)
        return {"selection": selection, "detection": detection, "likelihood": -nll, "nearness": nearness}

    def warnings_about(self, model: Scores, real: Scores) -> list[str]:
        near, expected = model.get("closest", math.inf), real.get("closest", 0.0)
        if near >= TOO_NEAR * expected:
            return []
        return [
            f"samples are nearer to training rows (median distance {near:.3g}) than test rows are ({expected:.3g}): "
            "they tell of single rows; train on fewer examples (--images) or more rows"
        ]

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        names = {"select": "fifth sixth of the training rows", "report": "test rows, unseen"}
        rows = f"{len(self.real_rows(part)):,} real rows ({names[part]}; the row real: the other way)"
        about = f"{samples:,} samples against {rows}"
        if self.held_out is None:
            return about
        held_out = f"{len(self.held_out):,} training rows held out"
        if part == "report":
            return f"{about}; {held_out}"
        formula = f"selection = detection − {_NLL_WEIGHT:g} likelihood + (1 − nearness)₊"
        return f"{samples:,} samples against {len(self.train):,} training rows; {held_out}; {formula}"

    def sample_count(self, part: JudgeSplit) -> int:
        if part == "select":
            return len(self.real_rows(part) if self.held_out is None else self.train)
        return min(_MAX_ROWS, len(self.train))

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        yield "real", TestRows(self.test[:n])
        yield "training copies", SampleSet(self.train[torch.arange(n) % len(self.train)])
        yield "independent columns", SampleSet(independent_columns(self.train, n))
