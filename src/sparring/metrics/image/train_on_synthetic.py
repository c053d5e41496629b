"""Train on made rows, test on real ones: Esteban et al. 2017 (arXiv:1706.02633), section 4.3. By boosted trees
(scikit-learn's HistGradientBoosting, default settings) and by a linear model."""

from typing import Any

import numpy as np
from torch import Tensor

from sparring.data.table.binned import compared_columns
from sparring.data.table.columns import Category, Column, Follower, Number
from sparring.data.table.schema import Schema

_MAX_CLASSES = 20
"""Values of a target at most that are told apart as classes."""
_ONE_HOT_CATEGORIES = 30
"""Categories that a linear model has a weight for."""


def underlying_column(column: Column) -> Column:
    return column.column if isinstance(column, Follower) else column


def target_kind(schema: Schema) -> str:
    """'classes', 'number', or '' where there is no target."""
    if not schema.target:
        return ""
    column = underlying_column(schema.column(schema.target))
    if isinstance(column, Category):
        return "classes" if 2 <= len(column.values) <= _MAX_CLASSES else ""
    return "classes" if isinstance(column, Number) and not column.edges and len(column.spikes) <= 5 else "number"


def trees(number: bool = False) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if number else HistGradientBoostingClassifier)(random_state=0)


def linear(number: bool = False) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if number else LogisticRegression(max_iter=300)


def tree_inputs(schema: Schema, cells: Tensor, target: int | None = None) -> np.ndarray:
    """The compared columns but the target, as they are kept: categories by number, NaN for missing."""
    return cells[:, [i for i in compared_columns(schema) if i != target]].numpy()


def linear_inputs(schema: Schema, cells: Tensor, like: Tensor, target: int) -> np.ndarray:
    """Numbers standardised by `like`, missing ones at the mean, categories as one-hots."""
    parts = []
    for i in compared_columns(schema):
        if i == target:
            continue
        values, column = cells[:, i].numpy(), underlying_column(schema.columns[i])
        if isinstance(column, Category):
            parts.append(
                np.stack([values == k for k in range(min(len(column.values), _ONE_HOT_CATEGORIES))], 1).reshape(
                    len(values), -1
                )
            )
            continue
        known = like[:, i].numpy()
        mean, spread = (np.nanmean(known), np.nanstd(known)) if not np.isnan(known).all() else (0.0, 1.0)
        parts.append(np.nan_to_num((values - mean) / (spread or 1.0))[:, None])
    return np.concatenate(parts, 1).astype(np.float64)


def _target(schema: Schema, *tables: Tensor) -> tuple[int, list[np.ndarray], list[Tensor]]:
    """Where the target stands, its values, and the rows that have one."""
    i = schema.names.index(schema.target)
    rows = [table[~table[:, i].isnan()] for table in tables]
    return i, [table[:, i].numpy() for table in rows], rows


def classification_scores(schema: Schema, made: Tensor, real: Tensor, train: Tensor) -> dict[str, float]:
    """F1 of the rarest class of two (the mean over more), accuracy and area under the ROC curve, by trees; and the area
    by a linear model. Where the made rows know one class, it is what is always answered."""
    i, (y, truth, trained), (made, real, _) = _target(schema, made, real, train)
    classes, counts = np.unique(trained, return_counts=True)
    told = _probabilities(trees(), tree_inputs(schema, made, i), y, tree_inputs(schema, real, i), classes)
    flat = [linear_inputs(schema, x, made, i) for x in (made, real)]
    also = _probabilities(linear(), flat[0], y, flat[1], classes)
    answer = classes[told.argmax(1)]
    rarest = classes[counts.argmin()]
    return {
        "f1": _f1(truth, answer, [rarest] if len(classes) == 2 else classes),
        "accuracy": float((answer == truth).mean()),
        "auc": _auc(truth, told, classes),
        "linear_auc": _auc(truth, also, classes),
    }


def _probabilities(model: Any, x: np.ndarray, y: np.ndarray, asked: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes)."""
    told = np.zeros((len(asked), len(classes)))
    found = np.unique(y)
    if len(found) == 1:
        told[:, classes == found[0]] = 1
        return told
    told[:, np.isin(classes, found)] = model.fit(x, y).predict_proba(asked)[:, np.isin(found, classes)]
    return told


def _f1(truth: np.ndarray, answer: np.ndarray, classes: Any) -> float:
    both = [(truth == k, answer == k) for k in classes]
    return float(np.mean([2 * (t & a).sum() / max((t.sum() + a.sum()), 1) for t, a in both]))


def _auc(truth: np.ndarray, told: np.ndarray, classes: np.ndarray) -> float:
    """One class against the others, the mean over those that are there."""
    from sklearn.metrics import roc_auc_score

    there = [k for k, value in enumerate(classes) if 0 < (truth == value).sum() < len(truth)]
    return float(np.mean([roc_auc_score(truth == classes[k], told[:, k]) for k in there])) if there else 0.5


def regression_scores(schema: Schema, made: Tensor, real: Tensor) -> dict[str, float]:
    """R² of a number, by trees and by a linear model."""
    from sklearn.metrics import r2_score

    i, (y, truth), (made, real) = _target(schema, made, real)
    told = trees(number=True).fit(tree_inputs(schema, made, i), y).predict(tree_inputs(schema, real, i))
    flat = [linear_inputs(schema, x, made, i) for x in (made, real)]
    also = linear(number=True).fit(flat[0], y).predict(flat[1])
    return {"r2": float(r2_score(truth, told)), "linear_r2": float(r2_score(truth, also))}
