"""A table with a column of every kind, and models of tables, for tests."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from sparring.data.table.arrow import to_arrow
from sparring.data.table.infer import Kind
from sparring.data.table.schema import Schema
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.networks.table import TableGenerator
from sparring.recipes import RECIPES


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """A column of every kind: identifiers, spikes, heavy tails, times, booleans, missing values, a constant, a column
    that another one tells, and one that is never below another."""
    g = np.random.default_rng(seed)
    wage = np.where(g.random(n) < 0.3, 1200.0, np.exp(7 + 1.5 * g.standard_normal(n)).round(2))
    city = g.choice(["Rome", "Oslo", "Lima"], n, p=[0.6, 0.3, 0.1])
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(g.integers(0, 900, n), "D")
    age = g.integers(18, 80, n)
    frame = pd.DataFrame(
        {
            "person": [f"P-{i:05d}" for i in range(n)],
            "age": age,
            "seen": age + g.integers(0, 5, n),
            "wage": wage,
            "city": city,
            "area": pd.Series(city).map({"Rome": "EU", "Oslo": "EU", "Lima": "SA"}).astype("category"),
            "start": start,
            "children": pd.array(g.integers(0, 4, n), "Int64"),
            "planet": "Earth",
            "member": g.random(n) < (age > 50) * 0.8 + 0.1,
        }
    )
    frame.loc[g.random(n) < 0.2, "children"] = pd.NA
    frame.loc[g.random(n) < 0.1, "wage"] = np.nan
    return frame


def untrained(frame: pd.DataFrame, kinds: Mapping[str, Kind] = {}) -> Model:
    """A model of the frame with random weights."""
    schema, _ = Schema.of(to_arrow(frame), kinds)
    torch.manual_seed(0)
    G = TableGenerator(schema.shape, schema.choices, schema.places, z=8, width=16, head=8).eval()
    return Model(ModelSpec(replace(RECIPES["table"], z=8), schema.shape, facts=schema), G)
