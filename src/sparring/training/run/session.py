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

from sparring.data import Examples
from sparring.errors import UserError
from sparring.metrics.image.paired_judge import PictureJudge
from sparring.metrics.report import Drawn, Judge, evaluate
from sparring.models.model import Model, load
from sparring.models.translator import Translator
from sparring.storage.atomic import from_json, write
from sparring.training.health.alarms import Ruined
from sparring.training.health.recovery import healed
from sparring.training.report.judges import shelf
from sparring.training.report.report import leave_papers
from sparring.training.run.config import Config
from sparring.training.run.loggers import Watcher
from sparring.training.run.run import Run

SCORES = "scores.json"
SAVED = "what was saved last is unharmed: spar resume {}"


def played(
    new: Callable[..., Run],
    config: Config,
    resumed: bool,
    networks: Mapping[str, nn.Module],
    watchers: Sequence[Watcher],
) -> Run:
    """Plays the run of a configuration, new or resumed, and of those that heal it, and scores it."""
    deadline = time.monotonic() + 60 * config.minutes if config.minutes else math.inf
    with closing(watchers):
        run = _healed(partial(new, watchers=watchers, deadline=deadline), config, resumed, networks)
    if run.outcome != "interrupted":
        run.ranks.led(lambda: _close(run, run.judge) if run.judge else None)
    return run


def _healed(new: Callable[..., Run], config: Config, resumed: bool, networks: Mapping[str, nn.Module]) -> Run:
    """The run once it is played, as what it has become."""
    untaught = deepcopy({name: net.state_dict() for name, net in networks.items()})
    while True:
        run = new(config=config, resumed=resumed)
        if resumed:
            run.ranks.led(partial(_unfinished, run))
        try:
            run.play()
            return run
        except Ruined as ruined:
            config = healed(run.folder, run.config, run.data.fingerprint, ruined, run.ranks)
            resumed = config.remedies[-1].back > 0
            for name, net in networks.items():  # begun anew, they have learnt nothing
                net.load_state_dict(untaught[name])


@contextmanager
def closing(watchers: Sequence[Watcher]) -> Iterator[None]:
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


def _close(run: Run, jury: Judge) -> None:
    """The closing scores, and the papers."""
    players = {name: deepcopy(player) for name, player in run.model.players.items()}
    model = load(run.folder, networks=players)  # takes networks of the user's own too
    run.report = evaluate(drawn(model, jury), jury, kept=shelf(run.data))
    leave_papers(run.folder, run.config, run.data, model, jury, run.report)
    scores = run.report.to_dict() | {"images": run.loop.seen}
    write(run.folder / SCORES, json.dumps(scores, indent=1).encode())  # last: a run that has it is complete


def drawn(model: Model, jury: Judge, samples: int | None = None, seed: int = 0) -> Drawn:
    """Samples to be scored, by default as many as suit the judge."""
    n = samples or jury.suits("report")
    if isinstance(model, Translator) and isinstance(jury, PictureJudge):
        held = jury.held["report"]
        model.held = Examples(held.truth, held.labels, held.given, held.known)
    return Drawn(model.sample(n, seed), model.asked(n, seed))
