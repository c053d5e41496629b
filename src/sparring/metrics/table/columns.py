"""Table metrics: column shapes, pair trends, detection, rare categories."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sparring.data.table.binned import binned, compared_columns, joint_distributions
from sparring.data.table.columns import Category, Follower
from sparring.data.table.schema import Schema
from sparring.metrics.table.train_on_synthetic import tree_inputs, tree_threads, trees

DETECTION_FOLDS = 3
_RARE, _MIN_TRAINING_ROWS = 0.05, 5
"""Share of rows below which a category is rare, and minimum training rows for it to count."""


def column_shapes(schema: Schema, generated: Tensor, real: Tensor) -> float:
    """Mean over columns of 1 − distance between distributions, in [0, 1].

    The distance is total variation for categories and Kolmogorov–Smirnov for numbers; missing counts as a value.
    """
    return float(np.mean([1 - _gap(schema, i, generated[:, i], real[:, i]) for i in compared_columns(schema)]))


def _gap(schema: Schema, i: int, generated: Tensor, real: Tensor) -> float:
    column = schema.columns[i]
    bare = column.column if isinstance(column, Follower) else column
    if isinstance(bare, Category):
        p, q = (
            (x.nan_to_num(len(bare.values)).long().bincount(minlength=len(bare.values) + 1)) for x in (generated, real)
        )
        return float((p / len(generated) - q / len(real)).abs().sum() / 2)
    missing = abs(float(generated.isnan().double().mean() - real.isnan().double().mean()))
    a, b = generated[~generated.isnan()].sort().values, real[~real.isnan()].sort().values
    if not len(a) or not len(b):
        return missing
    grid = torch.cat([a, b])
    F, G = (torch.searchsorted(x, grid, right=True) / len(x) for x in (a, b))
    return max(missing, float((F - G).abs().max()))


def pair_trends(schema: Schema, generated: Tensor, real: Tensor) -> float:
    """Mean over column pairs of 1 − total variation of their joint distributions, numbers in deciles."""
    a, b = binned(schema, real, generated, real)
    gaps = [
        float(difference.abs().sum()) / 2
        for i in range(a.shape[1])
        for difference in joint_distributions(a, i) - joint_distributions(b, i)
    ]
    return 1 - float(np.mean(gaps)) if gaps else 1.0


def detection_auc(schema: Schema, generated: Tensor, real: Tensor) -> float:
    """Cross-validated ROC AUC of boosted trees that classify generated against real rows, equally many of each.

    0.5 if indistinguishable, 1 if always distinguished.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    n = min(len(generated), len(real))
    x = np.concatenate([tree_inputs(schema, generated[:n]), tree_inputs(schema, real[:n])])
    y = np.repeat([1, 0], n)
    folds = StratifiedKFold(DETECTION_FOLDS, shuffle=True, random_state=0)
    with tree_threads(len(x)):
        probabilities = np.asarray(cross_val_predict(trees(), x, y, cv=folds, method="predict_proba"))
    return float(roc_auc_score(y, probabilities[:, 1]))


def rare_covered(schema: Schema, generated: Tensor, train: Tensor) -> float:
    """Share of rare categories, over all columns, that occur in the generated rows; 1 if there are none."""
    found: list[bool] = []
    for i in _categories(schema):
        size = len(schema.columns[i].values)  # pyright: ignore[reportAttributeAccessIssue]
        counts, there = (_counts(x[:, i], size) for x in (train, generated))
        rare = (counts >= _MIN_TRAINING_ROWS) & (counts < _RARE * len(train))
        found += (there[rare] > 0).tolist()
    return float(np.mean(found)) if found else 1.0


def _counts(cells: Tensor, size: int) -> Tensor:
    return cells[~cells.isnan()].long().bincount(minlength=size)


def _categories(schema: Schema) -> Sequence[int]:
    return [i for i, column in enumerate(schema.columns) if isinstance(column, Category) and column.values]
