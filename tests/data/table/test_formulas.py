"""Sums, products and ratios of columns: declared, found in the data, and true of every sampled row."""

import numpy as np
import pandas as pd
import pytest
import torch
from frames import untrained

from sparring.data.table.arrow import to_arrow
from sparring.data.table.columns import Follower
from sparring.data.table.formulas import RatioFormula, SumFormula
from sparring.data.table.frames import restored_frame
from sparring.data.table.infer import Kind
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.modalities.table import TABLE
from sparring.models.spec import ModelSpec, read_spec
from sparring.sampling.rows import sample_rows


def loans(n: int = 600) -> pd.DataFrame:
    g = np.random.default_rng(3)
    income = np.exp(g.normal(10.8, 0.5, n)).round(-2).astype(int)
    amount = (income * g.beta(2, 7, n) / 25).round().astype(int) * 25
    rate = g.normal(11, 3, n).round(2)
    frame = pd.DataFrame({"income": income, "amount": amount, "rate": rate, "share": (amount / income).round(2)})
    frame["units"], frame["price"] = g.integers(1, 9, n), np.exp(g.normal(2, 0.7, n)).round(2)
    frame["cost"] = (frame["units"] * frame["price"]).round(2)
    frame["fee"], frame["tax"] = g.integers(1, 50, n) / 4, g.integers(1, 900, n) / 100
    frame["bill"] = (frame["cost"] + frame["fee"] + frame["tax"]).round(2)
    return frame


FOUND = ["cost + fee + tax = bill", "cost = units * price", "share = amount / income"]


def found(frame: pd.DataFrame, constraints=(), kinds={}) -> list[str]:  # noqa: B006
    return sorted(str(each) for each in Schema.of(to_arrow(frame), kinds, constraints)[0].constraints)


def holding(made: pd.DataFrame) -> list[float]:
    """Shares of rows in which each of the formulas holds."""
    errors = [
        (made["amount"] / made["income"]).sub(made["share"]).abs().le(0.00501),
        (made["units"] * made["price"]).sub(made["cost"]).abs().le(0.00501),
        made[["cost", "fee", "tax"]].sum(axis=1).sub(made["bill"]).abs().le(0.00501),
    ]
    return [float(each.mean()) for each in errors]


def test_formulas_are_found_and_hold_in_every_row():
    frame = loans()
    frame.loc[:5, "share"] = 0.31  # 1 % of the rows are otherwise
    assert found(frame) == FOUND
    model = untrained(frame)
    made = restored_frame(model.spec.facts.table(sample_rows(model, 500)))
    assert holding(made) == [1, 1, 1] and made["share"].between(frame["share"].min(), frame["share"].max()).all()
    assert holding(restored_frame(model.spec.facts.table(model.sample(500)))) == [1, 1, 1]  # as scored in training
    asked = sample_rows(model, 100, 0, {"share": (0.2, 0.3)})
    assert restored_frame(model.spec.facts.table(asked))["share"].between(0.2, 0.3).all()


def test_unrelated_columns_have_no_formula():
    g, n = np.random.default_rng(0), 800
    numbers = {f"n{i}": g.integers(0, 10 ** (1 + i % 3), n) for i in range(9)}
    shares = {f"x{i}": g.random(n).round(i) for i in (1, 2, 8)}
    rare = np.where(g.random(n) < 0.01, 5, 0)
    frame = pd.DataFrame({**numbers, **shares, "rare": rare})
    frame["almost"] = frame["n2"] + np.where(g.random(n) < 0.01, 1, 0)  # n2 + rare in 98 % of the rows
    assert found(frame) == []


def test_a_column_whose_kind_is_set_is_not_computed():
    assert found(loans(), kinds={"share": Kind("number")}) == FOUND[:2]


def test_declared_formulas_take_precedence():
    frame = loans().drop(columns=["bill"])
    assert found(frame, ["amount / income = share"]) == FOUND[1:]
    assert found(frame, ["price * units = cost"]) == ["cost = price * units", FOUND[2]]
    with pytest.raises(UserError, match=r"row \d+ violates 'share = income / amount'"):
        found(frame, ["share = income / amount"])
    with pytest.raises(UserError, match=r"no column 'incme' .did you mean 'income'"):
        found(frame, ["share = amount / incme"])
    with pytest.raises(UserError, match="invalid constraint 'amount / income / rate = share'"):
        found(frame, ["amount / income / rate = share"])


def test_names_may_contain_the_symbols():
    frame = loans()[["amount", "income", "share"]].set_axis(["loan/amount", "a*b", "a/b"], axis=1)
    assert found(frame, ["loan/amount/a*b = a/b"]) == ["a/b = loan/amount / a*b"] == found(frame)


def test_totals_of_totals_are_computed_in_order_and_never_in_a_circle():
    frame = loans()
    assert found(frame, ["cost + fee + tax = bill", "units * price = cost"]) == FOUND
    schema, cells = Schema.of(to_arrow(frame), {}, ["cost + fee + tax = bill", "units * price = cost"])
    wrong = cells.clone()
    wrong[:, [schema.names.index("bill"), schema.names.index("cost")]] = 0
    torch.testing.assert_close(schema.complete(wrong), cells, rtol=0, atol=1e-9)
    frame = pd.DataFrame({"a": np.zeros(20), "b": np.zeros(20), "c": np.arange(20.0)})
    with pytest.raises(UserError, match="need each other's totals"):
        found(frame, ["a * c = b", "b * c = a"])
    with pytest.raises(UserError, match="'a' is computed twice"):
        found(frame, ["b * c = a", "b + b = a"])


def test_missing_totals_stay_as_they_are_in_the_data():
    g = np.random.default_rng(1)
    frame = loans()
    frame.loc[g.random(len(frame)) < 0.2, "amount"] = np.nan
    derived = frame.assign(share=(frame["amount"] / frame["income"]).round(2))
    alone = frame.assign(share=frame["share"].mask(g.random(len(frame)) < 0.3))
    for data, own in ((derived, False), (frame, True), (alone, True)):
        model = untrained(data[["income", "amount", "share"]])
        (formula,) = model.spec.facts.constraints
        assert formula == RatioFormula(("amount", "income"), "share", own)
        made = restored_frame(model.spec.facts.table(sample_rows(model, 400)))
        if not own:
            assert made["share"].isna().equals(made["amount"].isna())
        assert data["share"].isna().any() or made["share"].notna().all()
        both = made.dropna()
        assert len(both) > 50 and (both["amount"] / both["income"] - both["share"]).abs().max() < 0.00501


def test_nothing_is_divided_by_zero():
    frame = pd.DataFrame({"hits": np.arange(300) % 17, "tries": np.arange(300) % 23})
    frame["rate"] = (frame["hits"] / frame["tries"]).where(frame["tries"] > 0, 0.5).round(3)
    schema, cells = Schema.of(to_arrow(frame))
    assert found(frame) == ["rate = hits / tries"]
    torch.testing.assert_close(schema.complete(cells.clone()), cells, rtol=0, atol=1e-9)
    assert schema.holds(cells).all()


def test_formulas_are_stored_with_the_model_and_old_sums_are_read(tmp_path):
    model = untrained(loans())
    model.save(tmp_path)
    assert read_spec(tmp_path / "model.json").facts.constraints == model.spec.facts.constraints
    text = (tmp_path / "model.json").read_text().replace('"own_missing": false,', "")
    (tmp_path / "model.json").write_text(text)
    again = read_spec(tmp_path / "model.json")
    assert isinstance(again, ModelSpec) and SumFormula(("cost", "fee", "tax"), "bill") in again.facts.constraints


def test_numbers_of_few_values_lead_others():
    g = np.random.default_rng(0)
    month, store = g.integers(1, 13, 900), g.integers(0, 30, 900).astype(float)
    frame = pd.DataFrame({"month": month, "quarter": (month - 1) // 3 + 1, "store": store, "x": g.random(900)})
    frame["town"] = [f"town {int(k) // 4}" for k in store]
    frame.loc[::9, ["store", "town"]] = None
    schema, cells = Schema.of(to_arrow(frame))
    leaders = {column.name: column.leader for column in schema.columns if isinstance(column, Follower)}
    assert leaders == {"quarter": "month", "town": "store"}
    wrong = cells.clone()
    wrong[:, [schema.names.index("quarter"), schema.names.index("town")]] = 0
    assert torch.equal(schema.complete(wrong).nan_to_num(), cells.nan_to_num())


def test_what_is_computed_is_said_before_training():
    (note,) = TABLE.notes(table_data("loans", loans()[["income", "amount", "share"]]))
    assert note == "computed: share = amount / income (set the kind of 'share' to 'number' to learn it instead)"
