"""Scores of tables against closed forms, on tables that are known."""

import numpy as np
import pandas as pd
import pytest
import torch
from frames import people

from sparring.data.table.arrow import to_arrow
from sparring.data.table.binned import association, binned
from sparring.data.table.infer import Kind
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.metrics.report import evaluate_samples
from sparring.metrics.table.columns import column_shapes, detection_auc, pair_trends, rare_covered
from sparring.metrics.table.metrics import independent_columns
from sparring.metrics.table.nearest_record import closest_distances, copied_share
from sparring.metrics.table.train_on_synthetic import classification_scores, regression_scores, target_kind
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge


def table(n=4_000, seed=0):
    """y tells c, x tells r; d is independent of all."""
    g = np.random.default_rng(seed)
    x, d = g.standard_normal(n), g.choice(["a", "b", "rare"], n, p=[0.69, 0.3, 0.01])
    c = np.where(g.random(n) < 0.9, x > 0.5, x <= 0.5)
    frame = pd.DataFrame({"x": x, "d": d, "c": np.where(c, "yes", "no"), "r": 2 * x + 0.1 * g.standard_normal(n)})
    return frame


@pytest.fixture(scope="module")
def known():
    schema, cells = Schema.of(to_arrow(table()), target="c")
    return schema, cells, schema.cells(to_arrow(table(seed=1)))


def test_shapes_are_total_variation_and_kolmogorov_smirnov(known):
    schema, cells, _ = known
    assert column_shapes(schema, cells, cells) == 1
    moved = cells.clone()
    moved[:, 1] = schema.column("d").index["a"]
    share = (cells[:, 1] == schema.column("d").index["a"]).double().mean()
    assert column_shapes(schema, moved, cells) == pytest.approx(1 - (1 - share) / 4)
    moved = cells.clone()
    moved[:, 0] += 100.0
    moved[: len(moved) // 2, 0] = cells[: len(moved) // 2, 0]
    assert column_shapes(schema, moved, cells) == pytest.approx(1 - 0.5 / 4, abs=0.01)
    moved[:, 0] = torch.nan
    assert column_shapes(schema, moved, cells) == pytest.approx(0.75)


def test_trends_tell_independent_columns_from_joint_ones(known):
    schema, cells, other = known
    alone = independent_columns(cells, len(cells))
    assert column_shapes(schema, alone, cells) > 0.97 and pair_trends(schema, cells, cells) == 1
    assert pair_trends(schema, other, cells) > 0.93 > 0.8 > pair_trends(schema, alone, cells)
    V = association(binned(schema, cells, cells)[0])
    assert V[0, 3] > 0.8 and V[0, 1] < 0.1 and torch.equal(V, V.T)


def test_a_classifier_tells_what_is_not_real(known):
    schema, cells, other = known
    assert detection_auc(schema, other, cells) == pytest.approx(0.5, abs=0.03)
    assert detection_auc(schema, independent_columns(cells, len(cells)), cells) > 0.9


def test_taught_rows_teach(known):
    schema, cells, other = known
    scores = classification_scores(schema, cells, other, cells)
    assert 0.88 < scores["accuracy"] < 0.92 and scores["f1"] > 0.8 and scores["auc"] > 0.85 < scores["linear_auc"]
    alone = classification_scores(schema, independent_columns(cells, len(cells)), other, cells)
    assert alone["f1"] < 0.4 and alone["auc"] == pytest.approx(0.5, abs=0.15)
    one = cells.clone()
    one[:, 2] = 0  # the commoner class only
    share = float((other[:, 2] == 0).double().mean())
    assert classification_scores(schema, one, other, cells) == {
        "f1": 0,
        "accuracy": share,
        "auc": 0.5,
        "linear_auc": 0.5,
    }


def test_a_number_is_foretold():
    schema, cells = Schema.of(to_arrow(table()), target="r")
    other = schema.cells(to_arrow(table(seed=1)))
    assert target_kind(schema) == "number"
    scores = regression_scores(schema, cells, other)
    assert scores["linear_r2"] == pytest.approx(4 / 4.01, abs=0.002) and scores["r2"] > 0.98
    assert regression_scores(schema, independent_columns(cells, len(cells)), other)["linear_r2"] < 0.05


def test_rare_categories_and_copies(known):
    schema, cells, other = known
    without = cells[cells[:, 1] != schema.column("d").index["rare"]]
    assert rare_covered(schema, cells, cells) == 1 and rare_covered(schema, without, cells) == 0
    half = torch.cat([cells[:500], other[:500]])
    assert copied_share(schema, half, cells) == 0.5 and copied_share(schema, cells, cells) == 1
    found = closest_distances(schema, half, cells)
    assert (found[:500] == 0).all() and (found[500:] > 0).all()
    one = other[:1].clone()
    one[:, 1] = 77.0  # a category that no record has
    nearest = (one[:, [0, 3]] - cells[:, [0, 3]]).abs()
    spans = [float(cells[:, i].quantile(0.95) - cells[:, i].quantile(0.05)) for i in (0, 3)]
    expected = (nearest / torch.tensor(spans)).clamp(max=1).sum(1) + (one[:, 2] != cells[:, 2])
    assert closest_distances(schema, one, cells)[0] == pytest.approx(float(expected.min() + 1) / 4, rel=1e-5)


def test_a_report_has_the_trivial_rows():
    data = table_data("people", people(600), target="member")
    report = evaluate_samples(data.train.values, judge(data))
    rows = {row.name: row.scores for row in report.rows}
    assert set(rows) == {"model", "real", "training copies", "independent columns"}
    assert rows["training copies"] == rows["model"] and rows["model"]["copied"] == 1 > rows["real"]["copied"]
    assert rows["real"]["detection"] == pytest.approx(0.5, abs=0.12) and "unseen" in report.protocol
    assert rows["independent columns"]["trends"] < rows["training copies"]["trends"]
    with pytest.raises(UserError, match="number needs a target column of numbers"):
        evaluate_samples(data.train.values, judge(data), ["number"])
    with pytest.raises(UserError, match="not by features"):
        judge(data, "pixels")


def test_a_table_without_a_target_is_scored_by_the_rest():
    data = table_data("people", people(200), {"city": Kind("identifier")}, target="planet")
    assert target_kind(data.facts) == ""
    assert "f1" not in evaluate_samples(data.train.values, judge(data)).rows[0].scores


@pytest.mark.parametrize("n", [12, 13, 16, 20, 35, 36, 72])
def test_few_rows_leave_enough_for_the_selection_score(tmp_path, n):
    """Of 12 rows, ten are for training; from 36 rows on, the validation split is the fifth sixth of them."""
    (tmp_path / "t.csv").write_text("x,c\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(n)))
    data = load_dataset(tmp_path / "t.csv")
    table_judge = judge(data)
    select = table_judge.real_rows("select")
    assert len(select) == min(len(data.train), 12) and table_judge.scores(data.train.values[:12], "select")
    if len(data.train) >= 36:
        start = 2 * len(data.train) // 3
        assert torch.equal(select, data.train.values[start : start + 12])
