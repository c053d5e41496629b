"""Runs an experiment of the table: trains or resumes each run, or reads its scores from the ledger."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch

from experiments.plan import Plan
from experiments.table import HEADINGS, Experiment
from sparring.data import Options
from sparring.training.health.recovery import RecoveryFailed

FLAGS: dict[str, dict[str, Any]] = {
    "out": {"type": Path, "help": "folder of the runs"},
    "recipe": {},
    "data": {"help": "a named data set, or any SPEC"},
    "rows": {"nargs": "+", "metavar": "ROW"},
    "recipes": {"nargs": "+", "metavar": "RECIPE[+NAME=VALUE…]"},
    "sets": {"nargs": "+"},
    "tasks": {"nargs": "+", "metavar": "TASK"},
    "ways": {"nargs": "+", "metavar": "WAY"},
    "vary": {"nargs": "+", "required": True, "metavar": "NAME VALUE", "help": "a flag of spar train, its values"},
    "flag": {"nargs": "+", "metavar": "NAME=VALUE", "help": "flags of spar train, for every recipe"},
    "seeds": {"nargs": "+", "type": int},
    "images": {"type": int, "help": "training examples per run"},
    "count": {"type": int, "help": "size of the training subset"},
    "share": {"type": float, "help": "fraction of the number of training images"},
    "minutes": {"type": float, "help": "limit of each run"},
    "size": {"type": Options.parse_size},
    "source": {"type": Path, "help": "a run on other images, to fine-tune from"},
    "freeze": {"type": int, "help": "layers of the critic that are not fine-tuned"},
    "threads": {"type": int},
    "device": {},
    "precision": {"help": "as for spar train"},
    "pictures": {"type": Path, "help": "folder for a picture of each run that is scored"},
    "record": {"action": "store_true", "help": "write the results of recipes into the package"},
    "validation": {"action": "store_true", "help": "train on 5/6 of the training rows, test on the rest"},
    "asked": {"action": "store_true", "help": "score conditional sampling too"},
    "json": {"action": "store_true"},
}  # fmt: skip


def parser_of(name: str, experiment: Experiment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments {name}",
        description=experiment.about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for flag in experiment.positional:
        parser.add_argument(flag, **FLAGS[flag])
    for flag, default in (experiment.flags | {"json": False}).items():
        choices = {"choices": list(experiment.choices[flag])} if flag in experiment.choices else {}
        parser.add_argument(f"--{flag}", default=default, **FLAGS[flag], **choices)
    return parser


def plans_of(experiment: Experiment) -> Callable[[argparse.Namespace], Iterable[Plan]]:
    module, function = experiment.plans.split(".")
    return getattr(importlib.import_module(f"experiments.scores.{module}"), function)


def rows_of(plan: Plan, args: argparse.Namespace) -> list[dict]:
    """Rows of all runs that did not fail, then the baselines."""
    rows = []
    for run, seed in product(plan.runs, args.seeds):
        try:
            rows.append(run.labels | {"seed": seed} | plan.measure(run, seed, args))
        except RecoveryFailed as error:
            print(f"{run.name}, seed {seed}: {error}", file=sys.stderr)
            continue
        print(rows[-1], file=sys.stderr)
    return plan.finish(rows) + plan.baselines


def cell(value: object, form: str) -> str:
    return "" if value is None else value if isinstance(value, str) else format(value, form)


def markdown(rows: list[dict], columns: dict[str, str]) -> str:
    """A table of these rows; without `columns`, of all their scores."""
    columns = columns or {name: ".3f" for row in rows for name in row} | {"seed": ""}
    heads = [HEADINGS.get(name, name.replace("_", " ")) for name in columns]
    lines = [heads, ["---"] * len(heads)]
    lines += [[cell(row.get(name), form) for name, form in columns.items()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def run(name: str, experiment: Experiment, arguments: Sequence[str]) -> None:
    args = parser_of(name, experiment).parse_args(arguments)
    torch.set_num_threads(getattr(args, "threads", None) or 1)
    if "out" in args:
        args.out.mkdir(parents=True, exist_ok=True)
    rows, about = [], {}
    for plan in plans_of(experiment)(args):
        rows += rows_of(plan, args)
        about |= plan.about | {"protocol": plan.by}
    if args.json:
        print(json.dumps({"rows": rows} | about))
        return
    print(markdown(rows, experiment.columns))
    for key, value in about.items():
        print(f"{key}: {value}")
