"""Table metrics of a few cells, counted by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from sparring.data.table.columns import Category, Follower, Identifier, Number
from sparring.data.table.schema import Schema
from sparring.metrics.table import columns, metrics, nearest_record

NAN = math.nan


def number(name: str = "x") -> Number:
    return Number(name, (0.0, 1.0), ())


def category(name: str = "c", values: int = 3) -> Category:
    return Category(name, tuple("abcdefghij"[:values]), (1,) * values, values)


def schema(*kinds) -> Schema:
    return Schema(kinds, "")


def cells(*columns) -> torch.Tensor:
    return torch.tensor(columns, dtype=torch.float64).T


def test_categories_differ_by_total_variation():
    one = schema(category())
    generated, real = cells([0, 0, 1, NAN]), cells([0, 1, 1, 1, 2])
    # shares ½ ¼ 0 ¼ against ⅕ ⅗ ⅕ 0
    assert columns.column_shapes(one, generated, real) == pytest.approx(1 - (0.3 + 0.35 + 0.2 + 0.25) / 2)
    followed = schema(Follower(category(), "d", (0.0,)))
    assert columns.column_shapes(followed, generated, real) == pytest.approx(1 - 0.55)


def test_numbers_differ_by_the_largest_gap_of_their_distributions():
    one = schema(number())
    generated, real = cells([1.0, 2.0, 2.0, 5.0]), cells([2.0, 3.0, 4.0, 5.0, 6.0])
    assert columns.column_shapes(one, generated, real) == pytest.approx(1 - (0.75 - 0.2))  # at 2
    assert columns.column_shapes(one, real, generated) == pytest.approx(1 - 0.55)
    assert columns.column_shapes(one, generated, generated + 9) == 0


def test_missing_numbers_count_if_they_differ_more():
    one = schema(number())
    generated, real = cells([1.0, 2.0, NAN, NAN]), cells([1.0, 2.0, 2.0, 2.0])
    assert columns.column_shapes(one, generated, real) == pytest.approx(1 - 0.5)  # ½ missing against none; the gap is ¼
    assert columns.column_shapes(one, cells([1.0, 3.0, 3.0, NAN]), cells([1.0, 1.0, 1.0, NAN])) == pytest.approx(
        1 - 2 / 3
    )
    assert columns.column_shapes(one, cells([NAN, NAN]), cells([1.0, NAN, NAN, NAN])) == pytest.approx(0.75)
    assert columns.column_shapes(one, cells([1.0, NAN]), cells([NAN, NAN])) == pytest.approx(0.5)


def test_shapes_are_averaged_over_columns_except_identifiers():
    some = schema(number(), Identifier("id", "", 0), category())
    generated, real = cells([1.0, 1.0], [7.0, 8.0], [0, 0]), cells([1.0, 1.0], [1.0, 2.0], [0, 1])
    assert columns.column_shapes(some, generated, real) == pytest.approx((1 + 0.5) / 2)


def test_trends_are_total_variations_of_pairs():
    three = schema(category("a", 2), category("b", 2), category("c", 2))
    real = cells([0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1])
    generated = cells([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 1])
    # (a, b): ½ on the diagonal against ¼ everywhere; (a, c): equal; (b, c): ¼ everywhere against ½ on the diagonal
    assert columns.pair_trends(three, generated, real) == pytest.approx(1 - (0.5 + 0 + 0.5) / 3)
    assert columns.pair_trends(schema(category("a", 2)), generated[:, :1], real[:, :1]) == 1


def test_rare_categories():
    """Of 200 training rows: a in 181, b in 10 (5 %), c in 5, d in 4."""
    train = cells([0] * 181 + [1] * 10 + [2] * 5 + [3] * 4)
    one = schema(category("c", 4))
    assert columns.rare_covered(one, cells([0, 2, 2]), train) == 1
    assert columns.rare_covered(one, cells([1, 3]), train) == 0
    two = schema(category("c", 4), number(), category("d", 4))
    wide = torch.cat([train, torch.rand(200, 1).double(), train[torch.randperm(200)]], 1)
    assert columns.rare_covered(two, cells([2, 0], [0.5, 0.5], [0, NAN]), wide) == 0.5
    assert columns.rare_covered(one, cells([0]), cells([0] * 30)) == 1  # there are none


def test_detection_is_cross_validated_on_balanced_rows():
    g = torch.Generator().manual_seed(0)
    generated, real = torch.randn(90, 2, generator=g).double() + 0.7, torch.randn(60, 2, generator=g).double()
    x, y = torch.cat([generated[:60], real]).numpy(), np.repeat([1, 0], 60)
    probabilities = np.zeros(120)
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        probabilities[test] = (
            HistGradientBoostingClassifier(random_state=0).fit(x[train], y[train]).predict_proba(x[test])[:, 1]
        )
    two = schema(number(), number("y"))
    assert columns.detection_auc(two, generated, real) == pytest.approx(roc_auc_score(y, probabilities))
    assert 0.6 < columns.detection_auc(two, generated, real) < 0.95


def test_distance_of_records_is_the_mean_over_columns():
    """A number of range 9 (5th to 95th percentile), one of range 4 (minimum to maximum), a category."""
    three = schema(number(), number("y"), category())
    train = torch.zeros(1001, 3, dtype=torch.float64)
    train[:, 0] = torch.linspace(-0.5, 9.5, 1001)  # 5th and 95th percentiles 0 and 9
    train[0, 1], train[1000, 1] = -2.0, 2.0  # both percentiles are 0: the span is from least to most, 4
    train[:, 2] = 1
    generated = cells([9.0, 11.3, 99.0, NAN], [0.0, 1.0, 0.0, 0.0], [1, 1, 2, 1])
    actual = nearest_record.closest_distances(three, generated, train).tolist()
    assert actual[0] == pytest.approx(0, abs=1e-6)
    assert actual[1] == pytest.approx((1.8 / 9 + 1 / 4) / 3, rel=0.01)  # next to (9.49, 0) and (9.5, 2)
    assert actual[2:] == pytest.approx([(1 + 0 + 1) / 3, 1 / 3])  # no training row lacks the number


def test_missing_equals_only_missing():
    one = schema(number(), category())
    train = cells([0.0, 1.0, NAN], [0, 1, NAN])
    actual = nearest_record.closest_distances(one, cells([NAN, NAN, 0.0], [NAN, 0, NAN]), train)
    assert actual.tolist() == pytest.approx([0, 0.5, 0.5])


def test_a_constant_column_has_range_one():
    one = schema(number())
    assert nearest_record.closest_distances(one, cells([3.25, 9.0]), cells([3.0, 3.0])).tolist() == pytest.approx(
        [0.25, 1]
    )
    assert nearest_record.closest_distances(one, cells([3.25]), cells([NAN, NAN])).tolist() == [1]


def test_limits_of_the_nearest_record_search(monkeypatch):
    monkeypatch.setattr(nearest_record, "_SEARCHED", 3)
    monkeypatch.setattr(nearest_record, "_MAX_TRAINING_ROWS", 4)
    monkeypatch.setattr(nearest_record, "_MAX_CELLS", 9)  # one or two rows at once
    one, train = schema(category("c", 10)), cells(range(9))  # every third is searched: 0, 3, 6
    assert nearest_record.closest_distances(one, cells([0, 1, 3, 6, 2]), train).tolist() == [0, 1, 0]
    assert nearest_record.closest_distances(one, cells([0, 1, 3]), cells(range(4))).tolist() == [0, 0, 0]  # all 4
    assert nearest_record.closest_distances(one, cells([0, 1, 3]), cells(range(5))).tolist() == [0, 1, 1]  # 0, 2, 4


def test_copies_equal_in_all_columns_except_identifiers():
    some = schema(Identifier("id", "", 0), number(), category())
    train = cells([1, 2, 3], [0.5, 0.25, NAN], [0, 1, 2])
    generated = cells([9, 9, 9, 9], [0.5, 0.5, NAN, 0.25], [0, 1, 2, 0])
    assert nearest_record.copied_share(some, generated, train) == 0.5


def test_independent_columns_are_uncorrelated():
    train = cells(range(50), range(50))
    actual = metrics.independent_columns(train, 400)
    assert actual.shape == (400, 2) and actual.max() == 49 and actual.min() == 0
    assert abs(float(actual.T.corrcoef()[0, 1])) < 0.2
    assert torch.equal(actual, metrics.independent_columns(train, 400))


def test_requirements_of_table_metrics():
    class Case:
        real, schema = torch.zeros(6, 1), schema(number(), category())

    detection = metrics.TABLE_METRICS["detection"].requirement
    assert detection(Case, 6) == "" and "6 generated and real rows or more, there are 5" in detection(Case, 5)
    Case.real = torch.zeros(5, 1)
    assert "there are 5" in detection(Case, 100)
    for target, lacking in (("x", ["classes"]), ("c", ["number"]), ("", ["classes", "number"])):
        Case.schema = Schema((number(), category()), "", target=target)
        assert [name for name in ("classes", "number") if metrics.TABLE_METRICS[name].requirement(Case, 9)] == lacking


def test_record_scores_of_a_comparison():
    rows = metrics.RowComparison(schema(category("c", 10)), cells([0, 1, 7, 8, 9]), cells([0]), cells([0, 1, 9]))
    assert metrics.TABLE_METRICS["records"].compute(rows) == {"closest": 0, "copied": 0.6}
    kept = rows.of(torch.tensor([2, 3]))
    assert metrics.TABLE_METRICS["records"].compute(kept) == {"closest": 1, "copied": 0}
    assert kept.generated.tolist() == [[7], [8]] and kept.train is rows.train and kept.real is rows.real
