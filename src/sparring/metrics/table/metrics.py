"""The metrics of tables. The dict is the registry."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.table.schema import Schema
from sparring.metrics.image.train_on_synthetic import classified, predicted, task
from sparring.metrics.metric import Metric, Requirement, Scores
from sparring.metrics.table.columns import FOLDS, detected, rare_covered, shape, trend
from sparring.metrics.table.nearest_record import closest, copied


@dataclass(frozen=True, eq=False)
class RowComparison:
    """Made rows before real ones that they are compared with, and those that were trained on; cells (n, columns)."""

    schema: Schema
    made: Tensor
    real: Tensor
    train: Tensor

    def of(self, kept: Tensor) -> "RowComparison":
        """With these of the made rows."""
        return RowComparison(self.schema, self.made[kept], self.real, self.train)


def _lacks(wanted: str) -> Requirement:
    def lack(case: RowComparison, samples: int) -> str:
        if task(case.schema) == wanted:
            return ""
        return f"needs a target column of {'classes' if wanted == 'classes' else 'numbers'}: name one, or leave it out"

    return lack


def _few(case: RowComparison, samples: int) -> str:
    least = min(samples, len(case.real))
    return "" if least >= 2 * FOLDS else f"needs {2 * FOLDS} rows or more on both sides, here there are {least}"


def _closest(case: RowComparison) -> Scores:
    distances = closest(case.schema, case.made, case.train)
    return {"closest": float(distances.median()), "copied": copied(case.schema, case.made, case.train)}


TABLES = {
    "detection": Metric(
        f"detection by boosted trees, area under ROC, {FOLDS}-fold",
        {"detection": "less"},
        lambda case: {"detection": detected(case.schema, case.made, case.real)},
        _few,
    ),
    "shapes": Metric(
        "shapes 1 − TV or KS, mean of columns",
        {"shapes": "more"},
        lambda case: {"shapes": shape(case.schema, case.made, case.real)},
    ),
    "trends": Metric(
        "trends 1 − TV of pairs in tenths",
        {"trends": "more"},
        lambda case: {"trends": trend(case.schema, case.made, case.real)},
    ),
    "classes": Metric(
        "taught by the rows, examined on real ones: HistGradientBoosting and logistic regression, default settings",
        {"f1": "more", "accuracy": "more", "auc": "more", "linear_auc": "more"},
        lambda case: classified(case.schema, case.made, case.real, case.train),
        _lacks("classes"),
    ),
    "number": Metric(
        "taught by the rows, examined on real ones: HistGradientBoosting and ridge regression, default settings",
        {"r2": "more", "linear_r2": "more"},
        lambda case: predicted(case.schema, case.made, case.real),
        _lacks("number"),
    ),
    "rare": Metric(
        "rare: categories below 5 % that are there",
        {"rare": "more"},
        lambda case: {"rare": rare_covered(case.schema, case.made, case.train)},
    ),
    "records": Metric(
        "closest: median distance of 1,000 rows to a training row; copied: exact copies of one",
        {"closest": "as real", "copied": "neither"},
        _closest,
    ),
}


def independent(train: Tensor, n: int) -> Tensor:
    """n rows whose columns are drawn one by one from the training rows, (n, columns)."""
    g = torch.Generator().manual_seed(0)
    drawn = [train[torch.randint(len(train), (n,), generator=g), i] for i in range(train.shape[1])]
    return torch.stack(drawn, 1)
