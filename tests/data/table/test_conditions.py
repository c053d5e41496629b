"""Conditions on rows: every value that users write is met exactly or refused in one line."""

import datetime
import math

import numpy as np
import pandas as pd
import pytest
from cases import examples
from frames import people, untrained
from hypothesis import given
from hypothesis import strategies as st

from sparring.data.table.arrow import to_arrow
from sparring.data.table.conditions import parse_conditions
from sparring.data.table.frames import restored_frame
from sparring.data.table.infer import Kind
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.sampling.rows import sample_rows


def stations() -> pd.DataFrame:
    """A column of every kind that can be asked for, with missing values."""
    n, g = 300, np.random.default_rng(0)
    seconds = pd.to_timedelta(g.integers(0, 86_400, n), "s")
    frame = pd.DataFrame(
        {
            "seen": pd.Timestamp("2020-02-01") + seconds * 20,
            "local": (pd.Timestamp("2020-02-01") + seconds * 20).tz_localize("UTC").tz_convert("Europe/Rome"),
            "day": [datetime.date(2020, 1, 1) + datetime.timedelta(int(k)) for k in g.integers(0, 60, n)],
            "clock": [(datetime.datetime.min + each).time() for each in (seconds / 2).round("30s").to_pytimedelta()],
            "lasts": seconds,
            "price": (np.exp(g.standard_normal(n)) * 9).round(2),
            "whole": g.integers(0, 40, n).astype(float),
            "count": g.integers(0, 1000, n),
            "exact": g.integers(0, 9, n) + 2**61,
            "raw": g.standard_normal(n),
            "town": g.choice(["Oslo", "Rome", "10:00"], n),
            "open": g.random(n) < 0.5,
            "band": pd.cut(g.random(n), [0, 0.25, 0.5, 1]),
            "always": 7,
        }
    )
    frame["area"] = frame["town"].map({"Oslo": "N", "Rome": "S", "10:00": "?"})
    frame["grade"] = g.integers(1, 7, n)
    frame["level"] = frame["grade"].map(lambda k: 10.5 * (k // 2))
    frame.loc[g.random(n) < 0.2, ["price", "town", "area", "seen"]] = None
    return frame


MODEL = untrained(stations(), {"exact": Kind("number")})


def rows(n: int = 60, **where) -> pd.DataFrame:
    return restored_frame(MODEL.spec.facts.table(sample_rows(MODEL, n, 0, where)))


NOTHING = [None, "", math.nan, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT")]


@pytest.mark.parametrize("nothing", NOTHING, ids=map(repr, NOTHING))
def test_every_missing_value_asks_for_missing(nothing):
    assert rows(price=nothing)["price"].isna().all() and rows(town=nothing)["town"].isna().all()
    assert set(rows(town=["Rome", nothing])["town"].fillna("")) == {"Rome", ""}
    for name in ("count", "open"):
        with pytest.raises(UserError, match=f"'{name}' is never missing"):
            rows(**{name: nothing})


def test_a_list_of_numbers_allows_each_of_them():
    made = rows(400, count=[3, (100, 120), "900:", 10**30, -5][:3])["count"]
    assert ((made == 3) | made.between(100, 120) | (made >= 900)).all()
    assert made.between(100, 120).any() and (made >= 900).any()
    assert set(rows(200, grade={1, 5})["grade"]) == {1, 5} and set(rows(200, whole=np.array([4.0, 5.0]))["whole"]) == {
        4.0,
        5.0,
    }
    some = rows(400, price=[None, (2, 4)])["price"]
    assert some.isna().any() and some.dropna().between(2, 4).all() and some.notna().any()
    with pytest.raises(UserError, match="'count' allows no value"):
        rows(count=[])


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("seen", "2020-02-01 10:00:2020-02-03 12:30", "2020-02-01 10:00", "2020-02-03 12:30"),
        ("seen", "2020-02-01 10:00:", "2020-02-01 10:00", "2100-01-01"),
        ("seen", ":2020-02-03T10:00:30", "2020-01-01", "2020-02-03 10:00:30"),
        ("seen", "2020-02-02:2020-02-04", "2020-02-02", "2020-02-04"),
        ("local", "2020-02-02 10:00:2020-02-03 10:00", "2020-02-02 10:00", "2020-02-03 10:00"),
        ("local", (pd.Timestamp("2020-02-02", tz="UTC"), None), "2020-02-02 01:00", "2100-01-01"),
        ("clock", "9:00:17:30", datetime.time(9), datetime.time(17, 30)),
        ("clock", (datetime.time(9), "17:30:30"), datetime.time(9), datetime.time(17, 30, 30)),
        ("lasts", "0 days 02:00:00:0 days 04:00:00", "2h", "4h"),
        ("day", (datetime.date(2020, 1, 5), "2020-01-20"), datetime.date(2020, 1, 5), datetime.date(2020, 1, 20)),
    ],
)
def test_times_contain_colons_and_ranges_of_them_too(name, value, low, high):
    made = rows(**{name: value})[name]
    if name == "local":
        low, high = (pd.Timestamp(each, tz="Europe/Rome") for each in (low, high))
    assert len(made) == 60 and (made >= low).all() and (made <= high).all()


def test_a_moment_is_asked_for_to_the_second():
    frame = stations()
    for name in ("seen", "clock", "lasts"):
        value = frame[name].dropna().iloc[3]
        for asked in (value, str(value)):
            assert (rows(20, **{name: asked})[name] == value).all()
    with pytest.raises(UserError, match=r"'clock' is of type time64.us., which '10' is not"):
        rows(clock="10")
    with pytest.raises(UserError, match="several ranges: write both times with seconds"):
        rows(clock="10:00:12:00:30")
    assert rows(clock="10:00:00:12:00:30")["clock"].between(datetime.time(10), datetime.time(12, 0, 30)).all()


def test_numbers_are_asked_for_as_their_column_is_rounded():
    assert set(rows(whole=10.4)["whole"]) == {10.0} and rows(whole=(10.5, 12.5))["whole"].isin([11.0, 12.0]).all()
    assert (rows(price=(2.001, 3.999))["price"].between(2.01, 3.99)).all()
    with pytest.raises(UserError, match=r"'count' is never 10\.5"):
        rows(count=10.5)
    assert set(rows(exact=2**61 + 3)["exact"]) == {2**61 + 3} and set(rows(exact=str(2**61 + 3))["exact"]) == {
        2**61 + 3
    }


def test_categories_of_every_type_are_asked_for():
    assert set(rows(town="10:00")["town"]) == {"10:00"} and set(rows(open=np.bool_(True))["open"]) == {True}
    band = pd.Interval(0.25, 0.5)
    assert set(rows(band=band)["band"]) == {band} == set(rows(band=str(band))["band"])
    assert rows(5).dtypes.drop("day").equals(stations().dtypes.drop("day"))


def test_a_number_leads_others_and_is_found_by_them():
    assert MODEL.spec.facts.column("level").leader == "grade"
    made = rows(200, level=(10, 11))
    assert set(made["grade"]) == {2, 3} and set(made["level"]) == {10.5}
    plain = rows(200)
    assert (plain["level"] == 10.5 * (plain["grade"] // 2)).all()
    with pytest.raises(UserError, match="'grade' contradict each other"):
        rows(level=10.5, grade=5)


@pytest.mark.parametrize("where", [[1], "count=3", 5])
def test_conditions_that_are_no_mapping_are_refused(where):
    with pytest.raises(UserError, match="conditions are a mapping"):
        parse_conditions(MODEL.spec.facts, where)


SCALARS = st.one_of(
    st.none(),
    st.integers(),
    st.integers(0, 40),
    st.floats(),
    st.floats(0, 40, width=16),
    st.booleans(),
    st.text(max_size=6),
    st.sampled_from(["Oslo", "N", "2020-02-01", "2020-02-02 10:00", "10:00", "10:00:30", "3:9", ":5", "5:", "1 days"]),
    st.builds("{}:{}".format, st.integers(0, 60), st.integers(0, 60)),
    st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2020, 3, 1)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.complex_numbers(),
    st.binary(max_size=3),
    st.sampled_from([pd.NA, pd.NaT, np.nan, np.int8(3), np.float32(2.5), np.str_("Rome"), np.bool_(False), object]),
    st.builds(pd.Timestamp, st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))),
    st.sampled_from([pd.Interval(0.25, 0.5), np.datetime64("2020-02-02"), np.timedelta64(3, "h"), datetime.UTC]),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.tuples(SCALARS, SCALARS),
    st.lists(st.tuples(SCALARS, SCALARS), max_size=2),
    st.lists(SCALARS, max_size=3).map(tuple),
    st.lists(SCALARS, max_size=3).map(lambda values: np.array(values, dtype=object)),
    st.lists(st.integers(0, 40), max_size=4).map(pd.Series),
    st.lists(st.text(max_size=3), max_size=3).map(set),
    st.dictionaries(st.text(max_size=2), SCALARS, max_size=2),
)
NAMES = st.one_of(st.sampled_from(MODEL.spec.facts.names), st.integers(), st.text(max_size=4), st.none())


@examples(60)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3))
def test_any_condition_is_met_or_refused_in_one_line(where):
    try:
        conditions = parse_conditions(MODEL.spec.facts, where)
        cells = sample_rows(MODEL, 3, 0, where)
    except UserError as error:
        assert str(error).isprintable()
        return
    assert len(cells) == 3 and conditions.holds(cells).all()
    for i, indices in conditions.indices.items():
        assert all(None in indices if cell != cell else cell in indices for cell in cells[:, i].tolist())
    assert MODEL.spec.facts.table(cells).num_rows == 3


@pytest.mark.parametrize("frame", [people(60), stations()])
def test_any_value_of_the_data_can_be_asked_for(frame):
    schema, _ = Schema.of(to_arrow(frame), {"exact": Kind("number")} if "exact" in frame else {})
    for name in set(schema.names) - {"person"}:
        for value in frame[name].iloc[:5]:
            assert parse_conditions(schema, {name: value}).options
