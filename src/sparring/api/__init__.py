"""The Python interface, which the command line calls: train, resume, plan, load, evaluate, compare."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from sparring.api.comparison import compare
from sparring.data import Dataset, Options
from sparring.data.image.edges import strip_edges_suffix
from sparring.data.in_memory import of_arrays
from sparring.errors import UserError
from sparring.errors.bounds import check_bounds
from sparring.explore.path_length import STEP, path_length
from sparring.metrics.baseline_cache import baseline_cache
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.metric import Metric
from sparring.metrics.report import Report
from sparring.metrics.report import evaluate_samples as score
from sparring.metrics.second_opinion import add_second_opinion
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge, modality_of
from sparring.models.load import load_model as load
from sparring.models.model import Model
from sparring.recipes import Recipe, get_recipe
from sparring.recipes.choose import Choice, DataSummary
from sparring.rng import torch_state_restored
from sparring.training.config.config import Config
from sparring.training.config.configure import configure
from sparring.training.distributed.processes import TIMEOUT, process_group
from sparring.training.loop import precision as machine
from sparring.training.profile.breakdown import Section
from sparring.training.profile.forecast import Forecast
from sparring.training.run.data import RunData
from sparring.training.run.evaluation import draw_samples, flag_changed_data
from sparring.training.run.load_game import load_game
from sparring.training.run.loggers import Logger
from sparring.training.run.run import Run, Score
from sparring.training.session import Session


@torch_state_restored()
def train(
    recipe: str | Recipe,
    data: str | Path | Dataset,
    out: str | Path,
    *,
    networks: Mapping[str, nn.Module] = {},
    watchers: Sequence[Logger] = (),
    scores: Mapping[str, Score] = {},
    timeout: float = TIMEOUT,
    **settings: Any,
) -> Run:
    """Trains a recipe on a data set, in a new run folder; on several processes, if torchrun started them.

    Args:
        recipe: a name of `spar recipes`, or a `Recipe`.
        data: a SPEC (a named set, a folder, a file: see `sparring.data.load`), or a data set already loaded or made
            from arrays (`sparring.of_arrays`).
        out: the run folder to make; an existing one is refused.
        networks: your own modules for the players "G", (n, z) → (n, *shape), and "D", (n, *shape) → logits; also
            "E" for recipes with an encoder.
        watchers: loggers, called after every report; see `sparring.training.run.loggers`.
        scores: your own scores, by name: samples in the units of the data (images: uint8 (n, c, h, w)) → a number.
        timeout: seconds a process waits for the others before it gives up.
        settings: fields of `sparring.training.config.settings.RunSettings`, such as `examples`, `seed` and `device`, as
            `spar train --help` lists them; and `data_options` (`Options`: size, fit, channels, …).

    Raises:
        UserError: bad input, before anything is written.
        LostProcess: another process is gone.
        MachineError: memory or disk full, GPU lost, or data that does not arrive: the last checkpoint is unharmed.
    """
    with process_group(timeout) as ranks:
        return Session(Path(out), ranks, networks, scores, watchers).train(recipe, data, settings)


@torch_state_restored()
def resume(
    folder: str | Path,
    *,
    data: str | Path | Dataset | None = None,
    changed_data: bool = False,
    networks: Mapping[str, nn.Module] = {},
    watchers: Sequence[Logger] = (),
    scores: Mapping[str, Score] = {},
    timeout: float = TIMEOUT,
) -> Run:
    """Continues a run exactly where it stopped, in its closing scores too. Pass again what was passed to `train` from
    Python. The number of processes may differ from before.

    Args:
        data: the run's data if it was passed as a `Dataset`, or the path it has been moved to.
        changed_data: continue on data of another fingerprint.

    Raises UserError when its data is not found or has changed, or the run is complete.
    """
    with process_group(timeout) as ranks:
        return Session(Path(folder), ranks, networks, scores, watchers).resume(data, changed_data)


@torch_state_restored()
def plan(config: Config, networks: Mapping[str, nn.Module] = {}) -> Forecast:
    """What a run of this configuration will take on this machine, measured on a few rounds and one scoring.

    Leaves no run folder. Raises UserError as `train` does.
    """
    return Session(networks=networks).plan(config)


@torch_state_restored()
def profile(config: Config, rounds: int = 10) -> tuple[Config, dict[str, Section]]:
    """The configuration as tuned to this machine, and the time of each section of a round by name
    (`sparring.training.profile.breakdown`).

    Leaves no run folder. Raises UserError as `train` does.
    """
    return Session().profile(config, rounds)


def advise(data: str | Path, data_options: Options = Options(), device: str = "auto") -> Choice:  # noqa: B008
    """The recipe that suits some data on this machine, and why."""
    loaded, on = load_dataset(data, data_options), str(machine.device(device))
    pairs, unpaired = strip_edges_suffix(str(data)) is not None, bool(loaded.unpaired)
    modality, n, held_out = modality_of(loaded), len(loaded.train), len(loaded.test)
    return modality.suggest(
        DataSummary(modality.words.examples, loaded.shape, n, loaded.classes, on, pairs, unpaired, held_out)
    )


@torch_state_restored()
def evaluate(
    run: str | Path,
    samples: int | None = None,
    seed: int = 0,
    weights: str | None = None,
    *,
    metrics: Sequence[str] = (),
    own: Mapping[str, Metric] = {},
    features: str | FeatureExtractor | None = None,
    second_opinion: str | FeatureExtractor | None = None,
    intervals: bool = False,
    smoothness: bool = False,
    data: str | Path | Dataset | None = None,
    changed_data: bool = False,
    networks: Mapping[str, nn.Module] = {},
) -> Report:
    """Scores a run's model against the test split of its data, with baselines.

    Args:
        samples: how many; by default 10,000, or as many as the test split holds.
        metrics: names of `sparring.metrics.image.metrics.IMAGES`, or "all"; by default the fast ones.
        own: metrics of your own, by name.
        features: "task", "self", "random", "pixels", or a `FeatureExtractor` around any module of your own; by default
            "task" if there are classes, else "self".
        second_opinion: other features, whose default scores are shown beside as "NAME:SCORE".
        intervals: 95 % intervals of the model's scores too, at ten times the cost.
        smoothness: the perceptual path length too, which needs the model, not only its samples.
        data: the run's data if it was passed as a `Dataset`, or the path it has been moved to.
        changed_data: score against data of another fingerprint; the protocol says so.

    Raises:
        UserError: bad input, such as fewer samples than a metric needs.
    """
    check_bounds(samples=samples, seed=seed)
    run_data = RunData.of_run(run, data, changed_data)
    loaded = run_data.load()
    fitted = judge(loaded, features)
    if smoothness and not isinstance(fitted, ImageJudge):
        raise UserError("path length is of images: leave it out")
    model = load(run, weights, networks)
    drawn, kept = draw_samples(model, fitted, samples, seed), baseline_cache(loaded.fingerprint)
    report = score(drawn, fitted, metrics, own, intervals, kept)
    if second_opinion is not None:
        report = add_second_opinion(report, drawn, judge(loaded, second_opinion), intervals, kept)
    report = flag_changed_data(report, loaded, run_data.fingerprint)
    return _with_path_length(report, path_length(model, fitted.features)) if smoothness else report  # pyright: ignore


def _with_path_length(report: Report, length: float) -> Report:
    """The report with the path length in the model's row: samples alone do not have one."""
    row = replace(report.rows[0], scores=report.rows[0].scores | {"path_length": length})
    protocol = f"{report.protocol}; path length by 2,000 steps of {STEP:g} on great circles, trimmed by 1 % at each end"
    return replace(
        report, rows=[row, *report.rows[1:]], protocol=protocol, better={**report.better, "path_length": "less"}
    )


__all__ = [
    "Model",
    "Options",
    "Recipe",
    "Report",
    "Run",
    "advise",
    "compare",
    "configure",
    "evaluate",
    "get_recipe",
    "load",
    "load_game",
    "of_arrays",
    "plan",
    "resume",
    "train",
]
