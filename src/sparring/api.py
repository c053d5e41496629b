"""The Python face: train, resume, load, evaluate. The command line calls these and prints."""

import json
import sys
from pathlib import Path

import torch

from sparring.data import Options
from sparring.data import load as load_data
from sparring.errors import UserError
from sparring.files import cache, written_aside
from sparring.metrics.report import Report, judge
from sparring.metrics.report import evaluate as score
from sparring.model import Model, load
from sparring.recipes import Recipe, named
from sparring.training import precision as machine
from sparring.training.config import Config
from sparring.training.papers import leave_papers
from sparring.training.run import Run, new_loop

SAMPLES = 10_000
"""Samples a report scores, unless the set's report part is smaller."""


def train(
    recipe: str | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    images: int | None = None,
    minutes: float | None = None,
    until: str | None = None,
    seed: int = 0,
    size: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    micro_batches: int = 1,
    compiled: bool = False,
    reports: int = 20,
) -> Run:
    """Trains a recipe on a data set, in a new run folder.

    Args:
        recipe: a name of `spar recipes`, or a `Recipe`.
        data: a named set or a folder of images.
        out: the run folder to make; one that exists is refused.
        images: images to see; the recipe's own number by default.
        minutes: a limit on the clock.
        until: a bar such as "frechet<10": stop when the selection score is under it.
        micro_batches: slices a batch is accumulated from, to save memory. Batch norm sees a slice at a time.

    Raises:
        UserError: bad input, told before anything is written.
    """
    recipe, out = named(recipe) if isinstance(recipe, str) else recipe, Path(out)
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out, or go on with: spar resume {out}")
    chosen = machine.device(device)
    config = Config(
        recipe=recipe,
        data=str(data),
        images=recipe.images if images is None else images,
        minutes=minutes,
        until=until,
        seed=seed,
        size=size,
        device=str(chosen),
        precision=machine.precision(precision, chosen),
        threads=torch.get_num_threads() if threads is None else threads,
        micro_batches=micro_batches,
        compiled=compiled,
        reports=reports,
    )
    loaded = load_data(data, Options(size=(size, size) if size else None))
    for path, reason in loaded.broken:
        print(f"left out: {path} ({reason})", file=sys.stderr)
    new_loop(config, loaded, chosen)  # a network that can't make this size says so before a folder is made
    try:
        (out / "samples").mkdir(parents=True)
    except OSError as error:
        raise UserError(f"can't make {out}: {error.strerror}") from None
    config.save(out, loaded.fingerprint)
    return _play(Run(out, config, loaded))


def resume(folder: str | Path) -> Run:
    """Goes on exactly where a run stopped. Raises UserError when its data has changed, or there is nothing to do."""
    folder = Path(folder)
    config, fingerprint = Config.load(folder)
    data = load_data(config.data, Options(size=(config.size, config.size) if config.size else None))
    if data.fingerprint != fingerprint:
        raise UserError(f"{config.data} is not the data {folder} was trained on: its fingerprint has changed")
    run = Run(folder, config, data, resumed=True)
    if run.loop.rounds >= config.rounds:
        raise UserError(f"{folder} has seen all its {config.images:,} images: there is nothing left to do")
    return _play(run)


def _play(run: Run) -> Run:
    if run.play() != "interrupted":
        run.report = evaluate(run.folder)
        _leave(run, run.report)
    return run


def evaluate(run: str | Path, samples: int | None = None, seed: int = 0, weights: str | None = None) -> Report:
    """Scores a run's model against the report part of its data, beside the trivial rows.

    Args:
        samples: how many; by default 10,000, or as many as the report part holds.
    """
    folder = Path(run)
    config, _ = Config.load(folder)
    if samples is not None and samples < 2:
        raise UserError(f"can't score {samples} samples: ask for 2 or more")
    data = load_data(config.data, Options(size=(config.size, config.size) if config.size else None))
    model = load(folder, weights)
    jury = judge(data.train.values, data.train.labels, len(data.names), data.fingerprint, cache())
    n = samples or min(SAMPLES, len(jury.report))
    return score(model.sample(n, seed), jury, data.test.values, data.train.values)


def _leave(run: Run, report: Report) -> None:
    """What a finished run leaves beside its model: scores, model card, curves, samples beside real ones, a page."""
    with written_aside(run.folder / "scores.json") as path:
        path.write_text(json.dumps(report.to_dict(), indent=1))
    leave_papers(run.folder, run.config, run.data, load(run.folder), report)


__all__ = ["Model", "Recipe", "Report", "Run", "evaluate", "load", "resume", "train"]
