"""The course of a run: played, healed as often as it takes, scored and closed."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path

from torch import nn

from sparring.data import Split
from sparring.errors import UserError
from sparring.metrics.image.paired_judge import PairedJudge
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.report import evaluate_samples
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.models.translator import ImageToImageModel
from sparring.storage.atomic import from_json, write_bytes
from sparring.training.health.alarms import RunDiverged
from sparring.training.health.recovery import recover
from sparring.training.report.judges import shelf
from sparring.training.report.report import write_report
from sparring.training.run.config import Config
from sparring.training.run.loggers import Logger
from sparring.training.run.run import Run

SCORES = "scores.json"
SAVED = "what was saved last is unharmed: spar resume {}"


def run_session(
    new: Callable[..., Run],
    config: Config,
    resumed: bool,
    networks: Mapping[str, nn.Module],
    watchers: Sequence[Logger],
) -> Run:
    """Plays the run of a configuration, new or resumed, and of those that heal it, and scores it."""
    deadline = time.monotonic() + 60 * config.minutes if config.minutes else math.inf
    with closing(watchers):
        run = _with_recovery(partial(new, watchers=watchers, deadline=deadline), config, resumed, networks)
    if run.outcome != "interrupted":
        run.ranks.on_first_rank(lambda: _final_evaluation(run, run.judge) if run.judge else None)
    return run


def _with_recovery(new: Callable[..., Run], config: Config, resumed: bool, networks: Mapping[str, nn.Module]) -> Run:
    """The run once it is played, as what it has become."""
    untaught = deepcopy({name: net.state_dict() for name, net in networks.items()})
    while True:
        run = new(config=config, resumed=resumed)
        if resumed:
            run.ranks.on_first_rank(partial(_unfinished, run))
        try:
            run.play()
            return run
        except RunDiverged as ruined:
            config = recover(run.folder, run.config, run.data.fingerprint, ruined, run.ranks)
            resumed = config.remedies[-1].back > 0
            for name, net in networks.items():  # begun anew, they have learnt nothing
                net.load_state_dict(untaught[name])


@contextmanager
def closing(watchers: Sequence[Logger]) -> Iterator[None]:
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.close()


def _unfinished(run: Run) -> None:
    over, seen = run.over(run.journal.at(run.loop.seen)), run.loop.seen
    if over and _scored(run.folder) == seen:
        raise UserError(f"{run.folder} is done ({over} after {seen:,} images): there is nothing left to do")


def _scored(run: Path) -> int | None:
    """After how many images its closing scores were taken, if they were."""
    try:
        return from_json((run / SCORES).read_bytes())["images"]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _final_evaluation(run: Run, jury: Judge) -> None:
    """The closing scores, and the papers."""
    players = {name: deepcopy(player) for name, player in run.model.players.items()}
    model = load_model(run.folder, networks=players)  # takes networks of the user's own too
    run.report = evaluate_samples(draw_samples(model, jury), jury, kept=shelf(run.data))
    write_report(run.folder, run.config, run.data, model, jury, run.report)
    scores = run.report.to_dict() | {"images": run.loop.seen}
    write_bytes(run.folder / SCORES, json.dumps(scores, indent=1).encode())  # last: a run that has it is complete


def draw_samples(model: Model, jury: Judge, samples: int | None = None, seed: int = 0) -> SampleSet:
    """Samples to be scored, by default as many as suit the judge."""
    n = samples or jury.sample_count("report")
    if isinstance(model, ImageToImageModel) and isinstance(jury, PairedJudge):
        held = jury.references["report"]
        model.validation = Split(held.truth, held.labels, held.condition, held.mask_known)
    return SampleSet(model.sample(n, seed), model.sampled_labels(n, seed))
