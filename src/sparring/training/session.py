"""A training session: a run is prepared stage by stage, played, and scored."""

import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring.data import Dataset
from sparring.errors import UserError, one_line
from sparring.errors.machine import machine_errors_as_user_errors
from sparring.metrics.judge import Judge
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe, judge, modality_of
from sparring.recipes import Recipe
from sparring.training.config.config import PACKAGES, Config
from sparring.training.config.configure import configure
from sparring.training.distributed.ranks import Ranks, every_rank, first_rank
from sparring.training.health.alarms import RunDiverged
from sparring.training.health.recovery import recover
from sparring.training.loop import precision as machine
from sparring.training.profile.breakdown import Section, profile_config
from sparring.training.profile.forecast import Forecast, forecast_run
from sparring.training.run.assemble import initial_loop
from sparring.training.run.data import DataRecord, RunData
from sparring.training.run.evaluation import closing_scores, examples_at_closing
from sparring.training.run.folder import is_restart, make_run_folder
from sparring.training.run.lock import exclusive
from sparring.training.run.loggers import Logger
from sparring.training.run.machine_settings import resolve_machine_settings
from sparring.training.run.run import Run, Score

SAVED = "what was saved last is unharmed: spar resume {}"


class Session:
    """Every process has one. Its stages are agreed between ranks: one that fails on a rank fails on all (`every_rank`),
    what rank 0 alone does is waited for (`first_rank`).

    Args:
        folder: of the run; None for a session that leaves none.
        networks, scores, watchers: as in `sparring.train`.
    """

    config: Config
    data: Dataset
    judge: Judge | None
    """On rank 0 alone."""
    fingerprint: str
    """Of the data that the run in the folder was trained on."""

    def __init__(
        self,
        folder: Path | None = None,
        ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
        networks: Mapping[str, nn.Module] = {},
        scores: Mapping[str, Score] = {},
        watchers: Sequence[Logger] = (),
    ):
        self.folder, self.ranks, self.networks, self.scores = folder or Path(), ranks, networks, scores
        self.watchers = watchers if ranks.leads else ()
        self._warned = False

    def train(self, recipe: str | Recipe, data: str | Path | Dataset, settings: Mapping[str, Any]) -> Run:
        self.configure(recipe, data, settings)
        restarted = self.check_folder()
        self.load(data)
        self.check_networks()
        if not restarted:
            self.tune()
        self.fit_judge()
        if not restarted:
            self.make_folder()
        with self.locked():
            if restarted:
                self.read_config()  # with the adjustments made since
                self.check_data()
            return self.play(resumed=restarted)

    def resume(self, data: str | Path | Dataset | None = None, changed_data: bool = False) -> Run:
        self.read_config()
        self.check_device()
        self.load_again(data, changed_data)
        self.fit_judge()
        with self.locked():
            self.record_data(data)
            return self.play(resumed=True)

    def plan(self, config: Config) -> Forecast:
        self.use(config)
        self.load(config.data)
        with machine_errors_as_user_errors():
            return forecast_run(config, self.data, judge(self.data), self.networks)

    def profile(self, config: Config, rounds: int) -> tuple[Config, dict[str, Section]]:
        self.use(config)
        self.load(config.data)
        with machine_errors_as_user_errors():
            return profile_config(config, self.data, judge(self.data), rounds)

    # Stages, in order.

    @every_rank
    def configure(self, recipe: str | Recipe, data: str | Path | Dataset, settings: Mapping[str, Any]) -> None:
        self.use(configure(recipe, data, networks=self.networks, **settings))

    def use(self, config: Config) -> None:
        self.config = config
        torch.set_num_threads(config.threads)  # before anything is measured

    @first_rank
    def check_folder(self) -> bool:
        """Whether the folder is this run's, restarted by torchrun."""
        return is_restart(self.folder, self.config)

    def read_config(self) -> None:
        about, self.fingerprint, record = self._read_config()
        self.record = DataRecord(**record)
        self.use(Config.from_json(about))

    @first_rank
    def _read_config(self) -> tuple[dict[str, Any], str, dict[str, Any]]:
        config, fingerprint = Config.load(self.folder)
        return config.to_json(), fingerprint, DataRecord.load(self.folder).to_json()

    @every_rank
    def check_device(self) -> None:
        machine.device(self.config.device)

    def load(self, data: str | Path | Dataset) -> None:
        """Every rank loads the data. Raises UserError where settings, versions or data differ between ranks."""
        self._load_on_ranks(lambda: self._load(data))
        n, before = len(self.data.train), self.config.examples
        self.use(self.config.with_length(n))
        if self.config.examples < before and self.ranks.leads:
            passes = f"{self.config.recipe.most_epochs:,} passes over {n:,} training examples"
            print(f"training on {self.config.examples:,} examples, {passes}: --images sets the length", file=sys.stderr)

    def load_again(self, data: str | Path | Dataset | None, changed: bool) -> None:
        """The same for the data of a run folder, from where it is now."""
        run_data = RunData(self.folder, self.config, self.fingerprint, self.record, data, changed)
        self._load_on_ranks(lambda: self.ranks.on_every_rank(run_data.load))

    def _load_on_ranks(self, load: Callable[[], Dataset]) -> None:
        config, versions = self.config, {f"version of {name}": version(name) for name in PACKAGES}
        settings = {f"setting '{name}'": value for name, value in config.to_json().items()}
        self.ranks.require_same(versions | {"Python": platform.python_version()} | settings)
        if self.ranks.world > 1 and torch.device(config.device).index is not None:
            raise UserError(f"device {config.device} is one process's: with several, say cuda, and each takes its own")
        self.data = load()
        self.ranks.require_same({"fingerprint of the data": self.data.fingerprint})

    @every_rank
    def _load(self, data: str | Path | Dataset) -> Dataset:
        loaded = data if isinstance(data, Dataset) else load_dataset(data, self.config.data_options)
        return for_recipe(loaded, self.config.recipe)

    @first_rank
    def record_data(self, data: str | Path | Dataset | None) -> None:
        """Records where the data is now, and that it is other data, if it is."""
        changed = self.data.fingerprint != self.fingerprint
        if changed:
            print(f"{self.folder} continues on other data: {one_line(self.data.spec)}", file=sys.stderr)
            self.config.save(self.folder, self.data.fingerprint)
        if changed or isinstance(data, str | Path):
            here = self.config if data is None or isinstance(data, Dataset) else replace(self.config, data=str(data))
            earlier = (*self.record.earlier, self.fingerprint) if changed else self.record.earlier
            DataRecord.of(here, self.folder, earlier).save(self.folder)

    def check_data(self) -> None:
        if self.data.fingerprint != self.fingerprint:
            raise UserError(
                f"{self.config.data} is not the data {self.folder} was trained on: its fingerprint has changed"
            )

    @every_rank
    def check_networks(self) -> None:
        """Networks that can't make examples of this size are refused before a judge is fitted and a folder made."""
        initial_loop(self.config, self.data, torch.device(self.config.device), self.networks, self.ranks)

    def tune(self) -> None:
        with machine_errors_as_user_errors():
            self.use(resolve_machine_settings(self.config, self.data, self.networks, self.ranks))

    @every_rank
    def fit_judge(self) -> None:
        """Raises UserError for a stop condition on a score that is not measured."""
        self.judge = judge(self.data) if self.ranks.leads else None
        if self.judge is None or self.config.stop_condition is None:
            return
        score, known = self.config.stop_condition.score, [*self.judge.score_names, *self.scores]
        if score not in known:
            own = f"; one of your own is handed over from Python: scores={{'{score}': …}}"
            raise UserError(f"--until {self.config.until!r}: there is no such score here, only {', '.join(known)}{own}")

    @first_rank
    def make_folder(self) -> None:
        for note in modality_of(self.data).notes(self.data):
            print(note, file=sys.stderr)
        make_run_folder(self.folder, self.config, self.data)

    @contextmanager
    def locked(self) -> Iterator[None]:
        with exclusive(self.folder, self.ranks), machine_errors_as_user_errors(SAVED.format(self.folder)):
            yield

    def play(self, resumed: bool) -> Run:
        """Plays the run to its end or an interruption, and scores it at its end."""
        try:
            run = self._play_with_recovery(resumed)
        finally:
            for watcher in self.watchers:
                watcher.close()
        if run.outcome != "interrupted":
            self._score(run)
        return run

    def _play_with_recovery(self, resumed: bool) -> Run:
        minutes = self.config.minutes
        deadline = time.monotonic() + 60 * minutes if minutes else math.inf
        initial = deepcopy({name: net.state_dict() for name, net in self.networks.items()})
        while True:
            run = self._run(resumed, deadline)
            if resumed:
                self._check_unfinished(run)
            self._warn_of_scores()
            try:
                run.play()
                return run
            except RunDiverged as divergence:
                self.config = recover(self.folder, run.config, self.data.fingerprint, divergence, self.ranks)
                resumed = self.config.adjustments[-1].resumed_from > 0
                for name, net in self.networks.items():  # a run that starts again starts with the user's weights
                    net.load_state_dict(initial[name])

    def _run(self, resumed: bool, deadline: float) -> Run:
        return Run(
            self.folder,
            self.config,
            self.data,
            self.judge,
            watchers=self.watchers,
            scores=self.scores,
            networks=self.networks,
            resumed=resumed,
            deadline=deadline,
            ranks=self.ranks,
        )

    @first_rank
    def _warn_of_scores(self) -> None:
        """Prints why scores will tell little, if so, once a session."""
        if self.judge is None or self._warned:
            return
        for warning in self.judge.warnings_before_training:
            print(f"warning: {warning}", file=sys.stderr)
        self._warned = True

    @first_rank
    def _check_unfinished(self, run: Run) -> None:
        seen = run.loop.seen
        reason = run.end_reason(run.journal.entry_at(seen))
        if reason and examples_at_closing(self.folder) == seen:
            raise UserError(f"{self.folder} is done ({reason} after {seen:,} examples): there is nothing left to do")

    @first_rank
    def _score(self, run: Run) -> None:
        if self.judge is not None:
            run.report = closing_scores(run, self.judge)
