"""Made tables beside real ones: adult, german_credit, diamonds.

    SPARRING_DATA=… python -m experiments tables OUT [--sets adult …] [--ways table ctgan] [--seeds 0 1 2]
        [--validation] [--asked] [--flag NAME=VALUE …]

The split, the trees and the detector were fixed before anything was tuned: rows are shuffled by torch's generator with
seed 0; the last ROWS of a set are for test. Tuning is by `--validation`, which trains on five sixths of the training
rows and tests on the last sixth of them. OUT is the ledger (`ledger.py`): a run is trained once, and goes on where it
was interrupted. Scores are those of a run's closing report: as many rows as were trained on, by the weights with the
best selection score. `--asked` draws 1,000 rows of each category of each column too, and says what share is as asked,
and how far, by total variation, the other columns are from those of the real training rows with that category (where
there are 300 or more), beside how far as many other real rows are: both from the same half of them, up to 1,000 rows.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from experiments.common import add_flags, flags, sets
from experiments.ledger import trained
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.data.table.arrow import read_table_file
from sparring.data.table.binned import _WIDTH, binned, compared_columns
from sparring.data.table.columns import Category
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.recipes import get_recipe
from sparring.sampling.rows import sample_rows

SETS = {
    "adult": ("adult.csv", 10_000, "income"),
    "german_credit": ("german_credit.csv", 300, "class"),
    "diamonds": ("diamonds.csv.gz", 10_788, "price"),
}
"""File, test rows, target."""
IMAGES = {"adult": 600_000, "german_credit": 300_000, "diamonds": 600_000}
ASKED, ENOUGH = 1_000, 300
MADE = 50_000


def data_of(name: str, validation: bool) -> Dataset:
    file, tested, target = SETS[name]
    table = read_table_file(sets() / "tables" / file)
    order = torch.randperm(table.num_rows, generator=torch.Generator().manual_seed(0)).tolist()
    train, test = order[:-tested], order[-tested:]
    if validation:
        cut = 5 * len(train) // 6
        train, test = train[:cut], train[cut:]
    spec = f"{name}, validation" if validation else name
    return table_data(spec, table.take(train), target=target, test=table.take(test))


def conditional(model: Model, data: Dataset) -> dict[str, float]:
    """The share of rows that are as asked, and the mean and largest distance of other columns: of made rows from half
    of the real ones, and beside it of the other half, of as many."""
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
    """Total variation of each column but the one asked for, numbers in tenths."""
    assert isinstance(data.facts, Schema)
    a, b = binned(data.facts, data.train.values, made, real)
    others = [c for c, i in enumerate(compared_columns(data.facts)) if i != asked]
    counts = [[x[:, c].bincount(minlength=_WIDTH) / len(x) for x in (a, b)] for c in others]
    return [float((p - q).abs().sum() / 2) for p, q in counts]


def frequencies(model: Model, data: Dataset) -> float:
    """The largest gap between a category's share of made rows and of training rows; of so many made rows that chance
    is left out: it was 4 to 5 points of german_credit's 700."""
    assert isinstance(data.facts, Schema)
    made, gaps = sample_rows(model, MADE), []
    for i in data.facts.conditions:
        size = data.facts.columns[i].options + len(data.facts.columns[i].values)  # pyright: ignore
        p, q = (
            x[:, i].nan_to_num(size - 1).long().bincount(minlength=size) / len(x) for x in (made, data.train.values)
        )
        gaps.append(float((p - q).abs().max()))
    return max(gaps)


def lines(args: argparse.Namespace, flags: dict[str, str]) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for name in args.sets:
        data = data_of(name, args.validation)
        for way in args.ways:
            recipe = with_flags(get_recipe(way), flags)
            for seed in args.seeds:
                images = args.images or (recipe.images if way == "ctgan" else IMAGES[name])
                run = trained(args.out, f"{name}-{way}", recipe, data, images, seed)
                report = json.loads((run / "scores.json").read_text())
                last = json.loads((run / "journal.jsonl").read_text().splitlines()[-1])
                model = load_model(run)
                more = {"minutes": last["seconds"] / 60, "frequency_gap": frequencies(model, data)}
                more |= conditional(model, data) if args.asked else {}
                found[f"{name} {way} {seed}"] = report["rows"][0]["scores"] | more
                found |= {f"{name} {row['name']}": row["scores"] for row in report["rows"][1:]}
                print(f"{name} {way} {seed}: {found[f'{name} {way} {seed}']}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--ways", nargs="+", default=["table"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--asked", action="store_true")
    add_flags(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    found = lines(args, flags(args.flag))
    if args.json:
        print(json.dumps(found))
        return
    names = list(dict.fromkeys(score for line in found.values() for score in line))
    print(f"| | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for name, line in found.items():
        print(f"| {name} | {' | '.join(f'{line[s]:.3f}' if s in line else '' for s in names)} |")


if __name__ == "__main__":
    main()
