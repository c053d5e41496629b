"""Tables: `tables`. Its runs are scored by their closing report, which stays in the run folder."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.ledger import trained
from experiments.plan import Plan, Run, data_folder, duration, parse_flags
from experiments.table import TABLES
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.data.table.arrow import read_table_file
from sparring.data.table.binned import _WIDTH, binned, compared_columns
from sparring.data.table.columns import Category
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.models.model import Model
from sparring.recipes import get_recipe
from sparring.sampling.rows import sample_rows

ASKED, ENOUGH = 1_000, 300
MADE = 50_000


def split_table(name: str, validation: bool) -> Dataset:
    file, tested, target, _ = TABLES[name]
    table = read_table_file(data_folder() / "tables" / file)
    order = torch.randperm(table.num_rows, generator=torch.Generator().manual_seed(0)).tolist()
    train, test = order[:-tested], order[-tested:]
    if validation:
        cut = 5 * len(train) // 6
        train, test = train[:cut], train[cut:]
    spec = f"{name}, validation" if validation else name
    return table_data(spec, table.take(train), target=target, test=table.take(test))


def conditional(model: Model, data: Dataset) -> dict[str, float]:
    """Fraction of rows with the requested category, and mean and largest distance of the other columns from half of the
    real rows: of synthetic rows, and of as many from the other half."""
    schema, train = data.facts, data.train.values
    assert isinstance(schema, Schema)
    right, made_off, real_off = [], [], []
    for i in schema.conditions:
        column = schema.columns[i]
        assert isinstance(column, Category)
        for k, value in enumerate(column.values):
            made = sample_rows(model, ASKED, 0, {column.name: value})
            right.append(float((made[:, i] == k).double().mean()))
            real = train[train[:, i] == k]
            if len(real) >= ENOUGH:
                n = min(len(real) // 2, ASKED)
                made_off += _distances(data, made[:n], real[:n], i)
                real_off += _distances(data, real[n : 2 * n], real[:n], i)
    names = ("as_asked", "off_mean", "off_most", "real_off_mean", "real_off_most")
    values = (min(right), sum(made_off) / len(made_off), max(made_off), sum(real_off) / len(real_off), max(real_off))
    return dict(zip(names, values, strict=True))


def _distances(data: Dataset, made: Tensor, real: Tensor, asked: int) -> list[float]:
    """Total variation of each column but the requested one; numeric columns are binned."""
    assert isinstance(data.facts, Schema)
    a, b = binned(data.facts, data.train.values, made, real)
    others = [c for c, i in enumerate(compared_columns(data.facts)) if i != asked]
    counts = [[x[:, c].bincount(minlength=_WIDTH) / len(x) for x in (a, b)] for c in others]
    return [float((p - q).abs().sum() / 2) for p, q in counts]


def frequencies(model: Model, data: Dataset) -> float:
    """Largest difference between a category's shares of synthetic and training rows. It takes 50,000 rows: with the
    700 of german_credit, chance alone gives 4 to 5 points."""
    assert isinstance(data.facts, Schema)
    made, gaps = sample_rows(model, MADE), []
    for i in data.facts.conditions:
        size = data.facts.columns[i].options + len(data.facts.columns[i].values)  # pyright: ignore
        p, q = (
            x[:, i].nan_to_num(size - 1).long().bincount(minlength=size) / len(x) for x in (made, data.train.values)
        )
        gaps.append(float((p - q).abs().max()))
    return max(gaps)


class Unrecorded(Plan):
    """Runs that are scored anew each time; the ledger has no rows of them."""

    def measure(self, run: Run, seed: int, args: argparse.Namespace) -> dict:
        return self.score(trained(args.out, run.name, run.recipe, run.data, run.images, seed, **run.options))


def reported(run: Path) -> list[dict]:
    return json.loads((run / "scores.json").read_text())["rows"]


def tables(args: argparse.Namespace) -> Iterator[Plan]:
    for name in args.sets:
        yield table(name, split_table(name, args.validation), args)


def table(name: str, data: Dataset, args: argparse.Namespace) -> Plan:
    def score(run: Path) -> dict:
        rows, model = reported(run), sparring.load(run)
        scores = rows[0]["scores"] | {"minutes": duration(run)["minutes"], "frequency_gap": frequencies(model, data)}
        scores |= conditional(model, data) if args.asked else {}
        return scores | {"baselines": {row["name"]: row["scores"] for row in rows[1:]}}

    def finish(rows: list[dict]) -> list[dict]:
        baselines = {key: value for row in rows for key, value in row.pop("baselines").items()}
        return rows + [{"row": f"{name} {key}", **scores} for key, scores in baselines.items()]

    runs = []
    for way in args.ways:
        recipe = with_flags(get_recipe(way), parse_flags(args.flag))
        images = args.images or (recipe.images if way == "ctgan" else TABLES[name][3])
        runs.append(Run(f"{name}-{way}", recipe, data, images, {"row": f"{name} {way}"}))
    return Unrecorded("the closing report of each run", runs, score, finish=finish)
