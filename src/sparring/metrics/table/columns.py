"""How near a table's columns, and pairs of them, are to those of real rows; and whether a classifier tells the rows
apart."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from sparring.data.table.binned import binned, compared_columns, joint_distribution
from sparring.data.table.columns import Category, Follower
from sparring.data.table.schema import Schema
from sparring.metrics.image.train_on_synthetic import tree_inputs, trees

DETECTION_FOLDS = 3
_RARE, _MIN_TRAINING_ROWS = 0.05, 5
"""The share of the rows below which a category is rare, and training rows from which on it can be learnt."""


def column_shapes(schema: Schema, made: Tensor, real: Tensor) -> float:
    """The mean over columns of 1 − the distance of their distributions, 0 to 1: total variation for categories, the
    largest gap of the cumulative distributions (Kolmogorov & Smirnov) for numbers; missing counts as a value."""
    return float(np.mean([1 - _gap(schema, i, made[:, i], real[:, i]) for i in compared_columns(schema)]))


def _gap(schema: Schema, i: int, made: Tensor, real: Tensor) -> float:
    column = schema.columns[i]
    bare = column.column if isinstance(column, Follower) else column
    if isinstance(bare, Category):
        p, q = ((x.nan_to_num(len(bare.values)).long().bincount(minlength=len(bare.values) + 1)) for x in (made, real))
        return float((p / len(made) - q / len(real)).abs().sum() / 2)
    missing = abs(float(made.isnan().double().mean() - real.isnan().double().mean()))
    a, b = made[~made.isnan()].sort().values, real[~real.isnan()].sort().values
    if not len(a) or not len(b):
        return missing
    grid = torch.cat([a, b])
    F, G = (torch.searchsorted(x, grid, right=True) / len(x) for x in (a, b))
    return max(missing, float((F - G).abs().max()))


def pair_trends(schema: Schema, made: Tensor, real: Tensor) -> float:
    """The mean over pairs of columns of 1 − the total variation of their joint distributions, numbers in tenths."""
    a, b = binned(schema, real, made, real)
    pairs = list(combinations(range(a.shape[1]), 2))
    if not pairs:
        return 1.0
    gaps = [float((joint_distribution(a, i, j) - joint_distribution(b, i, j)).abs().sum()) / 2 for i, j in pairs]
    return 1 - float(np.mean(gaps))


def detection_auc(schema: Schema, made: Tensor, real: Tensor) -> float:
    """The area under the ROC curve of boosted trees that tell made from real rows, as many of each, cross-validated:
    .5 where they can't, 1 where they always can."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    n = min(len(made), len(real))
    x = np.concatenate([tree_inputs(schema, made[:n]), tree_inputs(schema, real[:n])])
    y = np.repeat([1, 0], n)
    folds = StratifiedKFold(DETECTION_FOLDS, shuffle=True, random_state=0)
    told = np.asarray(cross_val_predict(trees(), x, y, cv=folds, method="predict_proba"))
    return float(roc_auc_score(y, told[:, 1]))


def rare_covered(schema: Schema, made: Tensor, train: Tensor) -> float:
    """The share of the rare categories, over all columns, that are among the made rows; 1 if there are none."""
    found: list[bool] = []
    for i in _categories(schema):
        size = len(schema.columns[i].values)  # pyright: ignore[reportAttributeAccessIssue]
        counts, there = (_counts(x[:, i], size) for x in (train, made))
        rare = (counts >= _MIN_TRAINING_ROWS) & (counts < _RARE * len(train))
        found += (there[rare] > 0).tolist()
    return float(np.mean(found)) if found else 1.0


def _counts(cells: Tensor, size: int) -> Tensor:
    return cells[~cells.isnan()].long().bincount(minlength=size)


def _categories(schema: Schema) -> Sequence[int]:
    return [i for i, column in enumerate(schema.columns) if isinstance(column, Category) and column.values]
