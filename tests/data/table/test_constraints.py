"""What must hold in rows of a table, and what rows can be asked for."""

import pandas as pd
import pytest
import torch
from frames import people

from sparring.data.table import infer
from sparring.data.table.arrow import to_arrow
from sparring.data.table.columns import Follower
from sparring.data.table.conditions import parse_conditions
from sparring.data.table.infer import Kind
from sparring.data.table.schema import Schema
from sparring.errors import UserError


def schema_of(frame, *constraints):
    return Schema.of(to_arrow(frame), {}, constraints)


def test_inequalities_hold_or_are_missed():
    schema, cells = schema_of(people(), "age <= seen")
    assert schema.holds(cells).all()
    age, seen = schema.names.index("age"), schema.names.index("seen")
    swapped = cells.clone()
    swapped[:, age] = schema.column("age").high  # 79 at most
    held = schema.holds(swapped)
    expected = torch.tensor(people()["seen"].to_numpy() >= people()["age"].max())
    assert torch.equal(held, expected)
    swapped[0, seen] = torch.nan
    assert schema.holds(swapped)[0]


def test_sums_are_worked_out():
    frame = pd.DataFrame({"a": [i * i % 11 for i in range(50)], "b": [i % 7 for i in range(50)]})
    frame["all"] = frame["a"] + frame["b"]
    schema, cells = schema_of(frame, "a + b = all")
    wrong = cells.clone()
    wrong[:, 2] = 0
    assert not schema.holds(wrong)[1:].any() and torch.equal(schema.complete(wrong)[:, 2], cells[:, 2])
    assert schema.table(schema.complete(wrong)).to_pandas().equals(frame)


def test_rows_alike_and_combinations():
    frame = pd.DataFrame({"a": [0, 0, 1, 1] * 5, "b": ["x", "y", "x", "x"] * 5, "n": [i * 7 % 20 for i in range(20)]})
    schema, cells = schema_of(frame, "unique(a, n)", "only(a, b)")
    assert schema.holds(cells).all()
    twice = torch.cat([cells, cells[:3]])
    assert schema.holds(twice).tolist() == [True] * 20 + [False] * 3
    strange = cells.clone()
    strange[2, 1] = schema.column("b").index["y"]  # 1 never comes with y
    assert schema.holds(strange).tolist() == [i != 2 for i in range(20)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seen < age", r"violates \(row 0|row \d+"),
        ("age <= height", "no column 'height'"),
        ("city <= age", "'city' is not numeric"),
        ("age", "invalid constraint"),
        ("unique(city)", "violates"),
        ("age + children = seen", "violates"),
    ],
)
def test_constraints_that_cannot_hold(text, expected):
    with pytest.raises(UserError, match=expected):
        schema_of(people(), text)


def test_what_is_asked_becomes_options():
    schema, _ = Schema.of(to_arrow(people()))
    place = schema.names.index

    def options(**where):
        return {
            schema.names[i]: mask.nonzero()[:, 0].tolist()
            for i, mask in parse_conditions(schema, where).options.items()
        }

    city = schema.column("city")
    assert options(city="Oslo") == {"city": [city.index["Oslo"]]}
    assert options(city=["Oslo", "Rome"]) == {"city": sorted([city.index["Oslo"], city.index["Rome"]])}
    assert options(area="SA") == {"city": [city.index["Lima"]]}
    assert options(children=None) == {"children": [schema.column("children").options - 1]}
    assert options(member="True") == {"member": [schema.column("member").index[True]]}
    found = parse_conditions(schema, {"age": (30, 40), "wage": "1000:", "start": ("2020-03-01", None)})
    ((low, high),) = found.spans[place("age")]
    assert (low + 18, high + 18) == (30 + 18 - people()["age"].min(), 40 + 18 - people()["age"].min())
    assert found.spans[place("wage")] == [(1000.0, people()["wage"].max())]


def test_bounds_between_whole_values_let_none_in_that_lies_beyond():
    schema, _ = Schema.of(to_arrow(pd.DataFrame({"n": [5 * (i % 20) for i in range(200)]})))
    assert parse_conditions(schema, {"n": "12:40"}).spans[0] == [(3.0, 8.0)]
    assert parse_conditions(schema, {"n": "30.5:"}).spans[0] == [(7, 19)]
    for value in ("12", "12:14", "inf:", "nan"):
        with pytest.raises(UserError, match="'n' is never"):
            parse_conditions(schema, {"n": value})


def zips(monkeypatch) -> Schema:
    """Six zips, of which three are learnt one by one; each has a town and a height of its own."""
    monkeypatch.setattr(infer, "_MAX_CATEGORIES", 3)
    names = [f"z{k}" for k in range(6) for _ in range(150 - 20 * k)]
    town = {"z0": "A", "z1": "B", "z2": "C", "z3": "A", "z4": "B", "z5": "C"}
    frame = pd.DataFrame({"zip": names, "town": map(town.get, names), "height": [int(name[1]) for name in names]})
    schema, _ = Schema.of(to_arrow(frame), {"height": Kind("number")})
    assert schema.learnt == (0,) and isinstance(schema.column("town"), Follower)
    return schema


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"town": "B"}, {"z1", "z4"}),
        ({"height": (4, 5)}, {"z4", "z5"}),
        ({"town": "B", "height": "2:"}, {"z4"}),
        ({"zip": ["z3", "z5", "z0"], "town": "C"}, {"z5"}),
    ],
)
def test_who_asks_for_a_follower_gets_its_leaders_even_rare_ones(where, expected, monkeypatch):
    schema = zips(monkeypatch)
    zip, found, g = schema.column("zip"), parse_conditions(schema, where), torch.Generator().manual_seed(0)
    option = found.options[0].nonzero()[:, 0].repeat(60)
    cells = torch.zeros(len(option), 3, dtype=torch.float64)
    cells[:, 0] = zip.decode(option, found.place(0, zip, option, torch.linspace(-1, 0.99, len(option)), g))
    made = schema.table(schema.complete(found.clamp(cells))).to_pandas()
    assert set(made["zip"]) == expected
    assert "town" not in where or set(made["town"]) == {where["town"]}


def test_a_total_can_be_asked_for():
    frame = pd.DataFrame({"a": [i * i % 11 for i in range(50)], "b": [i % 7 for i in range(50)]})
    frame["total"] = frame["a"] + frame["b"]
    schema, cells = schema_of(frame, "a + b = total")
    found = parse_conditions(schema, {"total": [8, (10, 11)]})
    assert torch.equal(found.holds(cells), torch.tensor(frame["total"].isin([8, 10, 11]).to_numpy()))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"town": "Oslo"}, "no column 'town'"),
        ({"city": "Olso"}, "has no value 'Olso' .did you mean 'Oslo'"),
        ({"city": None}, "'city' is never missing"),
        ({"age": "old"}, "which 'old' is not"),
        ({"age": 300}, "'age' is never 300"),
        ({"person": "P-1"}, "is an identifier"),
        ({"city": "Oslo", "area": "SA"}, "contradict each other"),
    ],
)
def test_what_cannot_be_asked(where, expected):
    schema, _ = Schema.of(to_arrow(people()), {"person": Kind("identifier")})
    with pytest.raises(UserError, match=expected):
        parse_conditions(schema, where)
