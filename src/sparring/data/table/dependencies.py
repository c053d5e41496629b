"""Finds columns that others determine: followers, and totals of formulas."""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, permutations

import numpy as np
import torch
from torch import Tensor

from sparring.data.table.columns import Category, Column, Follower, Number, leader_index
from sparring.data.table.formulas import Formula, ProductFormula, RatioFormula, SumFormula, column_numbers, in_order

_MIN_FOLLOWER_ROWS, _MIN_ROWS_PER_VALUE = 100, 10
"""Minimum rows, in total and per value of the leader, to detect a follower."""
_PROBED = 200
"""Rows that rule out most pairs of leader and follower."""
_QUICK_ROWS = 5_000
_MAX_NUMBERS = 150
"""Number columns up to which formulas are searched: the work grows with their cube."""
_MIN_TOTAL_ROWS, _MIN_TOTAL_VALUES = 50, 10
"""Minimum rows without missing values, and distinct totals, to find a formula."""
_HELD_SHARE, _CHANCE = 0.98, 3
"""Share of rows in which a formula holds, to be found; and how many times more often it fails with a part shuffled."""
_MIN_FAILED_BY_CHANCE = 0.05
"""Share of rows in which a formula must fail with a part shuffled."""
_COEFFICIENT_ERROR = 0.05
"""Error of a coefficient of 0 or 1: totals and parts may be rounded."""
_PROBES, _MAX_FAILED = 8, 1
"""Rows that rule out most formulas, and how many of them may fail."""
_CHECKED = 2_000
"""Rows in which the remaining formulas are checked."""


def find_followers(columns: Sequence[Column], values: Tensor) -> list[Column]:
    """The columns, with those determined by a category, or by a number of few values, replaced by a `Follower`.

    Args:
        values: cells (n, columns).
    """
    found, leaders = list(columns), set()
    possible = _possible_followers(columns, values)
    for kind in (Category, Number):
        for j, column in enumerate(columns):
            if not isinstance(found[j], Number | Category) or column.options < 2 or j in leaders:
                continue
            for i in possible[:, j].nonzero()[0].tolist():
                leader = found[i]
                if i == j or not isinstance(leader, kind) or leader.options < 2:
                    continue
                if (follower := _follower(column, leader, values[:, i], values[:, j])) is not None:
                    found[j] = follower
                    leaders.add(i)
                    break
    return found


def _possible_followers(columns: Sequence[Column], values: Tensor) -> np.ndarray:
    """Whether column j may follow column i by a few rows, bool (columns, columns)."""
    few = values[:: -(-len(values) // _PROBED)].nan_to_num(-torch.finfo(torch.float64).max).numpy()
    possible = np.zeros((len(columns),) * 2, bool)
    for i, column in enumerate(columns):
        if isinstance(column, Category) or (isinstance(column, Number) and not column.places):
            ordered = few[few[:, i].argsort(kind="stable")]
            differs = ordered[1:] != ordered[:-1]
            possible[i] = ~(differs & ~differs[:, i, None]).any(0)
    return possible


def _follower(column: Column, leader: Number | Category, leading: Tensor, following: Tensor) -> Follower | None:
    """The column as a follower of the leader; None if a value of the leader occurs with several of its values."""
    keys = leader.spikes if isinstance(leader, Number) else ()
    size = len(keys) if isinstance(leader, Number) else len(leader.values)
    if len(leading) < max(_MIN_FOLLOWER_ROWS, _MIN_ROWS_PER_VALUE * size):
        return None
    index = leader_index(leading, torch.tensor(keys, dtype=torch.float64)) if keys else leading.nan_to_num(size).long()
    if not _lookup_table(index[:_QUICK_ROWS], following[:_QUICK_ROWS], size + 1)[1]:
        return None
    table, determined = _lookup_table(index, following, size + 1)
    cells = tuple(None if cell != cell else cell for cell in table.tolist())
    assert isinstance(column, Number | Category)
    return Follower(column, leader.name, cells, keys=keys) if determined else None


def _lookup_table(index: Tensor, following: Tensor, n: int) -> tuple[Tensor, bool]:
    table = torch.full((n,), torch.nan, dtype=torch.float64)
    table[index] = following
    predicted = table[index]
    return table, bool(((predicted == following) | (predicted.isnan() & following.isnan())).all())


def find_formulas(
    columns: Sequence[Column], values: Tensor, known: Sequence[Formula] = (), kept: Collection[str] = ()
) -> list[Formula]:
    """Sums, products and ratios of number columns that nearly all rows satisfy, in an order in which they can be
    computed.

    Args:
        values: cells (n, columns).
        known: formulas that are given.
        kept: columns that are not to be computed.
    """
    numbers = [column.name for column in columns if isinstance(column, Number) and column.options > 1]
    if not 3 <= len(numbers) <= _MAX_NUMBERS:
        return list(known)
    some = values[:: -(-len(values) // _CHECKED)]
    X = torch.stack([column_numbers(some, columns, name) for name in numbers], 1)
    formulas, related = list(known), {frozenset((*formula.parts, formula.total)) for formula in known}
    for formula in _candidates(X, numbers, columns, some):
        names = frozenset((*formula.parts, formula.total))
        taken = {each.total for each in formulas} | set(kept)
        if formula.total in taken or names in related or not _is_confirmed(formula, some, columns):
            continue
        if not _needs(formula.parts, formula.total, formulas):
            formulas.append(formula.with_missing(values, columns))
            related.add(names)
    return in_order(formulas)


def _needs(parts: Sequence[str], total: str, formulas: Sequence[Formula]) -> bool:
    """Whether a part is the total, or computed from it."""
    of = {formula.total: formula.parts for formula in formulas}
    return any(part == total or _needs(of.get(part, ()), total, formulas) for part in parts)


def _candidates(X: Tensor, names: Sequence[str], columns: Sequence[Column], values: Tensor) -> Iterator[Formula]:
    """Formulas of numbers (n, k) that hold in nearly all of a few rows; sums first."""
    complete = X.isnan().sum(1).argsort(stable=True)[: -(-len(X) // 2)]
    few = X[complete[:: max(1, len(complete) // _PROBES)][:_PROBES]]
    totals = [j for j in range(len(names)) if len(X[:, j].unique()) >= _MIN_TOTAL_VALUES]
    for kind, pairs in ((SumFormula, combinations), (ProductFormula, combinations), (RatioFormula, permutations)):
        index = torch.tensor(list(pairs(range(len(names)), 2)))
        computed = kind.combine(few[:, index].movedim(2, 0))  # (rows, pairs)
        for j in totals:
            tolerance = kind((), names[j]).tolerance(values, columns).max()
            failed = ((computed - few[:, j, None]).abs() > tolerance).sum(0)
            failed[(index == j).any(1)] = _PROBES
            left: list[list[int]] = index[failed <= _MAX_FAILED].tolist()
            for pair in left:
                yield kind(tuple(names[i] for i in pair), names[j])
        if kind is SumFormula:
            yield from _long_sums(X, names, totals)


def _long_sums(X: Tensor, names: Sequence[str], totals: Sequence[int]) -> Iterator[Formula]:
    """Sums of three or more numbers, by least squares: all coefficients are 0 or 1."""
    X = X[~X.isnan().any(1)]
    if len(X) < max(_MIN_TOTAL_ROWS, 2 * X.shape[1]):
        return
    scale = X.abs().amax(0).clamp(min=1e-12)
    for j in totals:
        others = [i for i in range(len(names)) if i != j]
        weights = torch.linalg.lstsq(X[:, others] / scale[others], X[:, j : j + 1], driver="gelsd").solution[:, 0]
        weights = weights / scale[others]
        parts = [names[i] for i, weight in zip(others, weights.round().tolist(), strict=True) if weight == 1]
        if len(parts) > 2 and (weights - weights.round().clamp(0, 1)).abs().max() < _COEFFICIENT_ERROR:
            yield SumFormula(tuple(parts), names[j])


def _is_confirmed(formula: Formula, values: Tensor, columns: Sequence[Column]) -> bool:
    """Whether the formula holds in nearly all rows, and in far fewer with any part shuffled."""
    places = [[column.name for column in columns].index(name) for name in (*formula.parts, formula.total)]
    present = values[~values[:, places].isnan().any(1)]
    present = present[formula.computed(present, columns).isfinite()]
    if len(present) < _MIN_TOTAL_ROWS:
        return False
    failed = 1 - float(formula.holds(present, columns).double().mean())
    if failed > 1 - _HELD_SHARE:
        return False
    order = torch.randperm(len(present), generator=torch.Generator().manual_seed(0))
    for place in places[:-1]:
        shuffled = present.clone()
        shuffled[:, place] = present[order, place]
        if 1 - float(formula.holds(shuffled, columns).double().mean()) < _CHANCE * failed + _MIN_FAILED_BY_CHANCE:
            return False
    return True
