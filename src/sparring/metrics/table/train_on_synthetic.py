"""ML efficacy: train on synthetic rows, test on real ones (TSTR).

Esteban et al. 2017 (arXiv:1706.02633), section 4.3. Models are boosted trees (scikit-learn's HistGradientBoosting,
default settings) and a linear model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from torch import Tensor

from sparring.data.table.binned import compared_columns
from sparring.data.table.columns import Category, Column, Follower, Number
from sparring.data.table.schema import Schema

_MAX_CLASSES = 20
"""Distinct values of a classification target, at most."""
_ONE_HOT_CATEGORIES = 30
"""Categories one-hot encoded for the linear model."""
_ONE_THREAD_ROWS = 20_000
"""Rows up to which one thread fits trees fastest: at 2,900 rows, two take 3 times as long, and eight 17 times."""


def underlying_column(column: Column) -> Column:
    return column.column if isinstance(column, Follower) else column


def target_kind(schema: Schema) -> str:
    """'classes', 'number', or '' without a usable target."""
    if not schema.target:
        return ""
    column = underlying_column(schema.column(schema.target))
    if isinstance(column, Category):
        return "classes" if 2 <= len(column.values) <= _MAX_CLASSES else ""
    return "classes" if isinstance(column, Number) and not column.edges and len(column.spikes) <= 5 else "number"


@contextmanager
def tree_threads(rows: int) -> Iterator[None]:
    """Within it, trees are fitted by one thread if the table is small: several would mostly wait for each other."""
    with threadpool_limits(1 if rows <= _ONE_THREAD_ROWS else None):
        yield


def trees(number: bool = False) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if number else HistGradientBoostingClassifier)(random_state=0)


def linear(number: bool = False) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if number else LogisticRegression(max_iter=300)


def tree_inputs(schema: Schema, cells: Tensor, target: int | None = None) -> np.ndarray:
    """Cells of all compared columns but the target, NaN if missing."""
    return cells[:, [i for i in compared_columns(schema) if i != target]].numpy()


def linear_inputs(schema: Schema, cells: Tensor, like: Tensor, target: int) -> np.ndarray:
    """Numbers standardised by `like`, missing ones set to the mean, and one-hot categories."""
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
    """Index of the target, its values in each table, and the rows where it is not missing."""
    i = schema.names.index(schema.target)
    rows = [table[~table[:, i].isnan()] for table in tables]
    return i, [table[:, i].numpy() for table in rows], rows


def classification_scores(schema: Schema, generated: Tensor, real: Tensor, train: Tensor) -> dict[str, float]:
    """F1, accuracy and ROC AUC of boosted trees, and AUC of a linear model.

    F1 is that of the rarer class of two, the mean over classes otherwise. If the generated rows have a single class,
    it is always predicted; without any, the first one is.
    """
    i, (y, truth, trained), (generated, real, _) = _target(schema, generated, real, train)
    classes, counts = np.unique(trained, return_counts=True)
    tree_features = [tree_inputs(schema, x, i) for x in (generated, real)]
    with tree_threads(len(generated)):
        probabilities = _probabilities(trees(), tree_features[0], y, tree_features[1], classes)
    linear_features = [linear_inputs(schema, x, generated, i) for x in (generated, real)]
    linear_probabilities = _probabilities(linear(), linear_features[0], y, linear_features[1], classes)
    predicted = classes[probabilities.argmax(1)]
    rarest = classes[counts.argmin()]
    return {
        "f1": _f1(truth, predicted, [rarest] if len(classes) == 2 else classes),
        "accuracy": float((predicted == truth).mean()),
        "auc": _auc(truth, probabilities, classes),
        "linear_auc": _auc(truth, linear_probabilities, classes),
    }


def _probabilities(model: Any, x: np.ndarray, y: np.ndarray, inputs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Predicted class probabilities (n, classes)."""
    probabilities = np.zeros((len(inputs), len(classes)))
    found = np.unique(y)
    if not len(found):  # every target is missing: nothing is learnt
        return probabilities
    if len(found) == 1:
        probabilities[:, classes == found[0]] = 1
        return probabilities
    probabilities[:, np.isin(classes, found)] = model.fit(x, y).predict_proba(inputs)[:, np.isin(found, classes)]
    return probabilities


def _f1(truth: np.ndarray, predicted: np.ndarray, classes: Any) -> float:
    both = [(truth == k, predicted == k) for k in classes]
    return float(np.mean([2 * (t & a).sum() / max((t.sum() + a.sum()), 1) for t, a in both]))


def _auc(truth: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Mean one-vs-rest ROC AUC over the classes that occur; 0.5 if undefined."""
    from sklearn.metrics import roc_auc_score

    present = [k for k, value in enumerate(classes) if 0 < (truth == value).sum() < len(truth)]
    return (
        float(np.mean([roc_auc_score(truth == classes[k], probabilities[:, k]) for k in present])) if present else 0.5
    )


def regression_scores(schema: Schema, generated: Tensor, real: Tensor) -> dict[str, float]:
    """R² of boosted trees and of a linear model."""
    from sklearn.metrics import r2_score

    i, (y, truth), (generated, real) = _target(schema, generated, real)
    if not len(y):  # every target is missing: nothing is learnt
        return dict.fromkeys(("r2", "linear_r2"), float(r2_score(truth, np.zeros_like(truth))))
    with tree_threads(len(generated)):
        fitted = trees(number=True).fit(tree_inputs(schema, generated, i), y)
        predicted = fitted.predict(tree_inputs(schema, real, i))
    linear_features = [linear_inputs(schema, x, generated, i) for x in (generated, real)]
    linear_probabilities = linear(number=True).fit(linear_features[0], y).predict(linear_features[1])
    return {"r2": float(r2_score(truth, predicted)), "linear_r2": float(r2_score(truth, linear_probabilities))}
