"""The Python face: train, resume, load, evaluate. The command line calls these and prints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from sparring.api.comparison import compare
from sparring.data import Dataset, Options
from sparring.data import load_dataset as load_data
from sparring.data.image.edges import strip_edges_suffix
from sparring.data.sources.in_memory import of_arrays
from sparring.errors import UserError
from sparring.errors.machine import machine_errors_as_user_errors
from sparring.explore.path_length import STEP, path_length
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.metric import Metric
from sparring.metrics.report import Report
from sparring.metrics.report import evaluate_samples as score
from sparring.models.load import load_model as load
from sparring.models.model import Model
from sparring.recipes import Recipe, get_recipe
from sparring.recipes.choose import Choice, Facts, choose
from sparring.training.distributed.processes import TIMEOUT, process_group
from sparring.training.feed.selection_split import for_recipe
from sparring.training.loop import precision as machine
from sparring.training.profile.breakdown import Section, profile_config
from sparring.training.profile.forecast import Forecast, forecast_run
from sparring.training.report.judges import judge, shelf
from sparring.training.run.assemble import initial_loop
from sparring.training.run.config import Config
from sparring.training.run.load_game import load_game
from sparring.training.run.lock import exclusive
from sparring.training.run.loggers import Logger
from sparring.training.run.machine_settings import resolve_machine_settings
from sparring.training.run.run import Run, Score
from sparring.training.run.session import SAVED, draw_samples, run_session
from sparring.training.run.setup import (
    flag_changed_data,
    is_restart,
    load_on_all_ranks,
    make_folder,
    make_judge,
    read_config,
    same_data,
)


def configure(
    recipe: str | Recipe,
    data: str | Path | Dataset,
    *,
    images: int | None = None,
    source: str | Path | None = None,
    freeze: int = 0,
    minutes: float | None = None,
    until: str | None = None,
    seed: int = 0,
    reading: Options = Options(),  # noqa: B008  it is frozen
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    micro_batches: int = 1,
    recompute: bool = False,
    compiled: bool = False,
    synchronised: bool = False,
    reports: int = 10,
    heal: bool = True,
    networks: Mapping[str, nn.Module] = {},
) -> Config:
    """The whole configuration that `train` resolves the same arguments to. Raises UserError for bad ones."""
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    chosen = machine.device(device)
    images = recipe.images if images is None else images
    return Config(
        recipe=recipe.with_networks(networks).with_horizon(images),
        data=data.spec if isinstance(data, Dataset) else str(data),
        images=images,
        source=None if source is None else str(source),
        freeze=freeze,
        minutes=minutes,
        until=until,
        seed=seed,
        reading=reading,
        device=str(chosen),
        precision=machine.precision(precision, chosen, recipe.medium),
        threads=torch.get_num_threads() if threads is None else threads,
        micro_batches=micro_batches,
        recompute=recompute,
        compiled=compiled,
        synchronised=synchronised,
        reports=reports,
        heal=heal,
    )


def train(
    recipe: str | Recipe,
    data: str | Path | Dataset,
    out: str | Path,
    *,
    networks: Mapping[str, nn.Module] = {},
    watchers: Sequence[Logger] = (),
    scores: Mapping[str, Score] = {},
    timeout: float = TIMEOUT,
    **settings,
) -> Run:
    """Trains a recipe on a data set, in a new run folder; on several processes, if torchrun started them.

    Args:
        recipe: a name of `spar recipes`, or a `Recipe`.
        data: a SPEC (a named set, a folder, a file: see `sparring.data.load`), or data already loaded or made from
            arrays (`sparring.of_arrays`).
        out: the run folder to make; one that exists is refused.
        networks: your own modules for the players "G", (n, z) → (n, *shape), and "D", (n, *shape) → logits; also
            "E" for recipes with an encoder (see `Recipe.game`).
        watchers: told of every report; see `sparring.training.run.loggers`.
        scores: your own scores, by name: samples as the medium keeps them (images: uint8 (n, c, h, w)) → a number.
        settings: images (to see), source (another run, whose weights to start from), freeze (the critic's first layers
            that are to hold still), minutes (a limit on the clock), until (a bar such as "frechet<10"), seed, reading
            (`Options`: size, fit, channels, …), device, precision, threads, micro_batches (slices a batch is
            accumulated from, to save memory, 0 for as few as it allows; batch norm sees a slice at a time), recompute
            (to save more: what is within the networks' stages is computed again, not kept), compiled, synchronised
            (batch norm's statistics over all processes), reports, heal (go back and on with a remedy when the run can't
            come right by itself).
        timeout: seconds a process waits for the others before it gives up.

    Raises:
        UserError: bad input, told before anything is written.
        LostProcess: another process is gone.
        MachineError: memory or disk full, GPU lost, or data that does not arrive: the last checkpoint is unharmed.
    """
    out = Path(out)
    with process_group(timeout) as ranks:
        config = ranks.on_every_rank(lambda: configure(recipe, data, networks=networks, **settings))
        torch.set_num_threads(config.threads)  # before anything is measured
        again = ranks.on_first_rank(lambda: is_restart(out, config))
        loaded = load_on_all_ranks(lambda: _loaded(data, config), config, ranks)
        # A network that can't make this size says so before a judge is fitted and a folder made.
        ranks.on_every_rank(lambda: initial_loop(config, loaded, torch.device(config.device), networks, ranks))
        with machine_errors_as_user_errors():
            config = config if again else resolve_machine_settings(config, loaded, networks, ranks)
        jury = make_judge(judge, config, loaded, scores, ranks)
        ranks.on_first_rank(lambda: None if again else make_folder(out, config, loaded))
        new = partial(Run, out, data=loaded, judge=jury, scores=scores, networks=networks, ranks=ranks)
        with exclusive(out, ranks), machine_errors_as_user_errors(SAVED.format(out)):
            if again:
                config, fingerprint = read_config(out, ranks)  # with what it has been given meanwhile
                same_data(config, loaded, out, fingerprint)
            return run_session(new, config, again, networks, watchers if ranks.leads else ())


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    networks: Mapping[str, nn.Module] = {},
    watchers: Sequence[Logger] = (),
    scores: Mapping[str, Score] = {},
    timeout: float = TIMEOUT,
) -> Run:
    """Goes on exactly where a run stopped, be it in the closing scores; what was handed to `train` from Python is
    handed over again. As many processes go on as there are now, whatever their number was.

    Raises UserError when its data has changed, or there is nothing to do.
    """
    folder = Path(folder)
    with process_group(timeout) as ranks:
        config, fingerprint = read_config(folder, ranks)
        ranks.on_every_rank(lambda: machine.device(config.device))
        torch.set_num_threads(config.threads)
        loaded = load_on_all_ranks(lambda: _loaded(data or config.data, config), config, ranks)
        same_data(config, loaded, folder, fingerprint)
        jury = make_judge(judge, config, loaded, scores, ranks)
        new = partial(Run, folder, data=loaded, judge=jury, scores=scores, networks=networks, ranks=ranks)
        with exclusive(folder, ranks), machine_errors_as_user_errors(SAVED.format(folder)):
            return run_session(new, config, True, networks, watchers if ranks.leads else ())


def plan(config: Config, networks: Mapping[str, nn.Module] = {}) -> Forecast:
    """What a run of this configuration will take on this machine, by playing a few rounds of it and scoring once.

    Leaves no run folder. Raises UserError as `train` does.
    """
    torch.set_num_threads(config.threads)
    data = _loaded(config.data, config)
    with machine_errors_as_user_errors():
        return forecast_run(config, data, judge(data), networks)


def dissect(config: Config, rounds: int = 10) -> tuple[Config, dict[str, Section]]:
    """The configuration with what this machine plays it quickest by, and where a round's time goes, by name
    (`sparring.training.profile.breakdown`). Leaves no run folder. Raises UserError as `train` does."""
    torch.set_num_threads(config.threads)
    data = _loaded(config.data, config)
    with machine_errors_as_user_errors():
        return profile_config(config, data, judge(data), rounds)


def advise(data: str | Path, reading: Options = Options(), device: str = "auto") -> Choice:  # noqa: B008
    """The recipe that suits some data on this machine, and why."""
    loaded, on = load_data(data, reading), str(machine.device(device))
    pairs, unpaired = strip_edges_suffix(str(data)) is not None, bool(loaded.unpaired)
    return choose(Facts(loaded.medium, loaded.shape, len(loaded.train), loaded.classes, on, pairs, unpaired))


def evaluate(
    run: str | Path,
    samples: int | None = None,
    seed: int = 0,
    weights: str | None = None,
    *,
    metrics: Sequence[str] = (),
    own: Mapping[str, Metric] = {},
    features: str | FeatureExtractor | None = None,
    intervals: bool = False,
    smoothness: bool = False,
    data: Dataset | None = None,
    networks: Mapping[str, nn.Module] = {},
) -> Report:
    """Scores a run's model against the report part of its data, beside the trivial rows.

    Args:
        samples: how many; by default 10,000, or as many as the report part holds.
        metrics: names of `sparring.metrics.image.metrics.IMAGES`, or "all"; by default those that are cheap.
        own: metrics of your own, by name.
        features: "task", "self", "random", "pixels", or `Features` around any module of your own; by default "task"
            if there are classes, else "self".
        intervals: 95 % intervals of the model's scores too, at ten times the cost.
        smoothness: the perceptual path length too, which samples alone do not tell.

    Raises:
        UserError: bad input, such as fewer samples than a metric needs.
    """
    folder = Path(run)
    config, fingerprint = Config.load(folder)
    if samples is not None and samples < 2:
        raise UserError(f"can't score {samples} samples: ask for 2 or more")
    judged = _loaded(data or config.data, config)
    jury = judge(judged, features)
    if smoothness and not isinstance(jury, ImageJudge):
        raise UserError("path length is of images: leave it out")
    model = load(folder, weights, networks)
    report = score(draw_samples(model, jury, samples, seed), jury, metrics, own, intervals, shelf(judged))
    report = flag_changed_data(report, judged, fingerprint)
    return _with_length(report, path_length(model, jury.features)) if smoothness else report  # pyright: ignore


def _with_length(report: Report, length: float) -> Report:
    """The model's own row has it: samples alone do not tell."""
    row = replace(report.rows[0], scores=report.rows[0].scores | {"path_length": length})
    protocol = f"{report.protocol}; path length by 2,000 steps of {STEP:g} on great circles, trimmed by 1 % at each end"
    return replace(report, rows=[row, *report.rows[1:]], protocol=protocol)


def _loaded(data: str | Path | Dataset, config: Config) -> Dataset:
    return for_recipe(data if isinstance(data, Dataset) else load_data(data, config.reading), config.recipe)


__all__ = [
    "Model",
    "Options",
    "Recipe",
    "Report",
    "Run",
    "advise",
    "compare",
    "evaluate",
    "get_recipe",
    "load",
    "load_game",
    "of_arrays",
    "plan",
    "resume",
    "train",
]
