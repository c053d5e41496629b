"""Registry of table metrics."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.table.binned import compared_columns
from sparring.data.table.schema import Schema
from sparring.metrics.metric import Metric, Requirement, Scores
from sparring.metrics.table.columns import DETECTION_FOLDS, column_shapes, detection_auc, pair_trends, rare_covered
from sparring.metrics.table.nearest_record import closest_distances, copied_share
from sparring.metrics.table.train_on_synthetic import classification_scores, regression_scores, target_kind


@dataclass(frozen=True, eq=False)
class RowComparison:
    """Generated rows, the real rows they are compared with, and the training rows; cells (n, columns)."""

    schema: Schema
    generated: Tensor
    real: Tensor
    train: Tensor

    def of(self, kept: Tensor) -> "RowComparison":
        """Subset of the generated rows."""
        return RowComparison(self.schema, self.generated[kept], self.real, self.train)


def _lacks(wanted: str) -> Requirement:
    def lack(case: RowComparison, samples: int) -> str:
        if target_kind(case.schema) == wanted:
            alone = len(compared_columns(case.schema)) == 1
            return "needs a column beside the target: leave out this metric" if alone else ""
        kinds = "classes" if wanted == "classes" else "numbers"
        return f"needs a target column of {kinds}: set --target, or leave out this metric"

    return lack


def _few(case: RowComparison, samples: int) -> str:
    least = min(samples, len(case.real))
    return (
        ""
        if least >= 2 * DETECTION_FOLDS
        else f"needs {2 * DETECTION_FOLDS} generated and real rows or more, there are {least}"
    )


def _closest(case: RowComparison) -> Scores:
    distances = closest_distances(case.schema, case.generated, case.train)
    return {"closest": float(distances.median()), "copied": copied_share(case.schema, case.generated, case.train)}


TABLE_METRICS = {
    "detection": Metric(
        f"detection by boosted trees, area under ROC, {DETECTION_FOLDS}-fold",
        {"detection": "less"},
        lambda case: {"detection": detection_auc(case.schema, case.generated, case.real)},
        _few,
    ),
    "shapes": Metric(
        "shapes 1 − TV or KS, mean of columns",
        {"shapes": "more"},
        lambda case: {"shapes": column_shapes(case.schema, case.generated, case.real)},
    ),
    "trends": Metric(
        "trends 1 − TV of pairs in tenths",
        {"trends": "more"},
        lambda case: {"trends": pair_trends(case.schema, case.generated, case.real)},
    ),
    "classes": Metric(
        "train on synthetic, test on real (TSTR): HistGradientBoosting and logistic regression, default settings",
        {"f1": "more", "accuracy": "more", "auc": "more", "linear_auc": "more"},
        lambda case: classification_scores(case.schema, case.generated, case.real, case.train),
        _lacks("classes"),
    ),
    "number": Metric(
        "train on synthetic, test on real (TSTR): HistGradientBoosting and ridge regression, default settings",
        {"r2": "more", "linear_r2": "more"},
        lambda case: regression_scores(case.schema, case.generated, case.real),
        _lacks("number"),
    ),
    "rare": Metric(
        "rare: share of categories below 5 % that occur",
        {"rare": "more"},
        lambda case: {"rare": rare_covered(case.schema, case.generated, case.train)},
    ),
    "records": Metric(
        "closest: median distance of 1,000 rows to a training row; copied: exact copies of one",
        {"closest": "as real", "copied": "neither"},
        _closest,
    ),
}


def independent_columns(train: Tensor, n: int) -> Tensor:
    """n rows whose columns are sampled independently from the training rows, (n, columns)."""
    g = torch.Generator().manual_seed(0)
    drawn = [train[torch.randint(len(train), (n,), generator=g), i] for i in range(train.shape[1])]
    return torch.stack(drawn, 1)
