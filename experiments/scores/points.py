"""Point clouds: `modes`."""

import argparse
import math
import statistics
from collections.abc import Iterator
from pathlib import Path

import torch

from experiments.ledger import kept, settings
from experiments.plan import Plan, Run, parse_flags
from experiments.table import LOSSES
from sparring.api import configure
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import get_recipe
from sparring.training.config.config import Config
from sparring.training.loop.precision import denormals_flushed
from sparring.training.run.assemble import initial_loop
from sparring.training.run.snapshot import snapshot

SCORES = ("modes", "high_quality", "kl")


def no_folder(run: Path) -> dict:
    raise NotImplementedError("these runs have no folder")


class Unmonitored(Plan):
    """Runs without alarms, recovery or a run folder."""

    def measure(self, run: Run, seed: int, args: argparse.Namespace) -> dict:
        config = configure(run.recipe, run.data, **settings(run.images, seed, run.options))
        return kept(config, run.data, run.name, self.by, lambda: best_scores(config, run.data))


def best_scores(config: Config, data: Dataset) -> dict[str, dict]:
    """Scores of the weights with the best selection score, and of the baselines, by name."""
    torch.set_num_threads(config.threads)
    loop, evaluator = initial_loop(config, data, torch.device("cpu")), judge(data)
    model, least, best = snapshot(loop, config, data), math.inf, torch.empty(0)
    with denormals_flushed(), loop.restoring_requires_grad():
        for k in range(1, config.rounds + 1):
            loop.round()
            if k % config.period == 0 or k == config.rounds:
                n = evaluator.sample_count("select")
                score = evaluator.scores(model.sample(n), "select")[evaluator.score_names[0]]
                if score < least or not len(best):
                    least, best = score, model.sample(evaluator.sample_count("report"))
    return {row.name: row.scores for row in evaluate_samples(best, evaluator).rows}


def summary(name: str, scores: list[dict]) -> dict:
    """A row of means and standard deviations over seeds."""
    columns = {score: [row[score] for row in scores] for score in SCORES}
    deviations = {f"± {score}": statistics.stdev(c) if len(c) > 1 else 0.0 for score, c in columns.items()}
    return {"row": name, "seeds": scores} | {score: statistics.mean(c) for score, c in columns.items()} | deviations


def summaries(rows: list[dict]) -> list[dict]:
    """A row per loss, then one per baseline."""
    names = dict.fromkeys(row["row"] for row in rows)
    found = [summary(name, [row["model"] for row in rows if row["row"] == name]) for name in names]
    for row in rows[-1:]:
        baselines = [name for name in row if name not in ("row", "data", "seed", "model")]
        found += [summary(f"{row['data']} {name}", [row[name]]) for name in baselines]
    return found


def modes(args: argparse.Namespace) -> Iterator[Plan]:
    flags = parse_flags(args.flag)
    recipes = {way: with_flags(get_recipe("points"), LOSSES[way] | flags) for way in args.ways}
    for name in args.sets:
        data = load_dataset(name)
        runs = [
            Run(f"{name}-{way}", recipe, data, args.images, {"row": f"{name} {way}", "data": name})
            for way, recipe in recipes.items()
        ]
        yield Unmonitored("modes.py", runs, no_folder, finish=summaries)
