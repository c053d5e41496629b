"""A run: the loop over a data set, with its folder, journal, scores, samples and checkpoints.

Everything but the wall-clock limit fires by rounds, never by the clock, so watching a run does not change it.
"""

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.metrics.report import Report
from sparring.models.model import Model
from sparring.storage.atomic import atomic_write, ensure_folder
from sparring.training.distributed.ranks import Ranks
from sparring.training.health.monitors import HealthMetrics, health_metrics
from sparring.training.health.report import (
    check,
    check_finite,
    fatal_alarms,
    recheck_round,
    sample_diagnostics,
    with_health,
)
from sparring.training.loop.precision import denormals_flushed
from sparring.training.report.progress import Progress
from sparring.training.run import checkpoint
from sparring.training.run.assemble import build_loop, initial_loop
from sparring.training.run.best_weights import rollback_best
from sparring.training.run.config import Config
from sparring.training.run.interrupts import interruptions
from sparring.training.run.journal import Entry, Journal, best
from sparring.training.run.loggers import Logger
from sparring.training.run.machine_settings import record_micro_batches
from sparring.training.run.snapshot import CalibratedSnapshot, distributed_samples, snapshot

SHOWN = {"image": 64, "pair": 72, "point": 2_500, "table": 5_000}
"""Samples in a picture, always of the same latents."""

PATIENCE = 0.02
"""The share of its time the loop may wait for data without a word."""

Score = Callable[[Tensor], float]


class Run:
    """A configuration played in a folder.

    Args:
        folder: an existing run folder, with its `run.json`.
        watchers: told of every report.
        scores: the user's own, by name: samples as the medium keeps them, (n, …) → a number.
        networks: players the library does not know, by name.
        resumed: go on from the folder's last checkpoint; from the beginning, if it was stopped before the first.
        deadline: of `time.monotonic()`, at which to stop.
        ranks: the processes that play it together. The first one alone needs the folder and the judge, and writes.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        data: Dataset,
        judge: Judge | None,
        *,
        watchers: Sequence[Logger] = (),
        scores: Mapping[str, Score] = {},
        networks: Mapping[str, nn.Module] = {},
        resumed: bool = False,
        deadline: float = math.inf,
        ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
    ):
        self.folder, self.config, self.data, self.judge, self.ranks = folder, config, data, judge, ranks
        self.watchers, self.own_scores, self.deadline = watchers, scores, deadline
        torch.set_num_threads(config.threads)
        device = torch.device(config.device)
        resumed = ranks.on_first_rank(lambda: resumed and bool(checkpoint.saved_checkpoints(folder / "checkpoints")))
        self.loop = (build_loop if resumed else initial_loop)(config, data, device, networks, ranks)
        self.loop.broadcast()
        self.model = snapshot(self.loop, config, data)
        self.settled = CalibratedSnapshot(self.model, data)
        self.journal = Journal(folder / "journal.jsonl")
        self.sums: dict[str, Tensor] = {}
        self.outcome, self._saved = "not played", -1
        self.report: Report | None = None
        """The closing scores, once the run has ended by itself."""
        if resumed:
            self._restore(device)
        self._earlier, self._start = 0.0, time.monotonic()

    def _restore(self, device: torch.device) -> None:
        state = self.ranks.broadcast_state(lambda: self._latest(device), device)
        self.sums = {name.removeprefix("sums."): state.pop(name) for name in list(state) if name.startswith("sums.")}
        self.loop.restore(state)

    def _latest(self, device: torch.device) -> dict[str, Tensor]:
        state, damaged = checkpoint.latest_checkpoint(self.folder / "checkpoints", device)
        for path in damaged:
            print(f"{path} is damaged: going on from the checkpoint before it", file=sys.stderr)
        return state

    @property
    def seconds(self) -> float:
        """Spent playing, over all sessions: of earlier ones up to the last report of what is not played again."""
        return self._earlier + time.monotonic() - self._start

    def play(self) -> str:
        """Plays to the end, the bar, the time limit or an interruption, and returns which; all is saved by then."""
        config, loop = self.config, self.loop
        self.ranks.on_first_rank(self._rewind)
        entry = self.ranks.on_first_rank(lambda: self.journal.at(loop.seen))
        last = self.ranks.on_first_rank(lambda: self.journal.entries[-1] if self.journal.entries else None)
        self._earlier, self._start = self.journal.seconds, time.monotonic()
        self._waited, self._reported = loop.stream.waited, self._start
        shown = Progress(config.images, loop.seen, quiet=not self.ranks.leads)
        with interruptions() as interrupted, shown as progress, denormals_flushed(), loop.restoring_requires_grad():
            outcome = self.over(entry)
            while not outcome:  # however short its time, every session gets a round further
                for name, part in loop.round().items():
                    self.sums[name] = self.sums.get(name, 0) + torch.stack([part.double(), torch.ones_like(part)])
                self.config = record_micro_batches(self.config, loop, self.folder, self.data.fingerprint)
                progress.update(loop.seen)
                again = recheck_round(last, config.period)
                if loop.rounds % config.period == 0 or loop.rounds in (config.rounds, again):
                    entry = last = self._report()
                    progress.report(entry)
                outcome = self.over(entry) or self._stopped(interrupted)
            return self._ended(outcome)

    def _rewind(self) -> None:
        ensure_folder(self.folder / "samples")  # a copy may lack it: Git and some archives drop empty folders
        rollback_best(self.folder, self.journal, self._judge.score_names[0], self.loop, self.settled)
        self.journal.rewind(self.loop.seen)

    def over(self, entry: Entry | None) -> str:
        """Why nothing is left to play after this report, the last one, if so."""
        if entry is not None and self.config.bar is not None and self.config.bar.met(entry["scores"]):
            return "reached"
        return "finished" if self.loop.rounds >= self.config.rounds else ""

    def _stopped(self, interrupted: threading.Event) -> str:
        """Why to stop here, if so: every rank stops after the same round."""
        if not self.ranks.any(interrupted.is_set() or time.monotonic() > self.deadline):
            return ""
        return "interrupted" if self.ranks.any(interrupted.is_set()) else "out of time"

    def _ended(self, outcome: str) -> str:
        self.outcome = outcome
        self._average_sums()
        self.ranks.on_first_rank(lambda: None if self._saved == self.loop.seen else self.save(self.settled()))
        return outcome

    def _average_sums(self) -> None:
        """Losses of the ranks' slices become those of the whole batch."""
        self.ranks.average_(list(self.sums.values()))

    def _report(self) -> Entry:
        """A journal line, a grid, a checkpoint, and the best weights if these are they."""
        self._average_sums()
        waiting = self._waiting()
        losses = {name: float(total / count) for name, (total, count) in self.sums.items()}
        self.sums = {}
        check_finite(losses, self.loop.seen)
        start = time.monotonic()
        told = health_metrics(self.loop)  # on every rank: statistics may be everyone's
        n = self.ranks.on_first_rank(lambda: self._judge.sample_count("select"))
        model = self.settled()
        samples = distributed_samples(model, n, self.ranks)
        entry = self.ranks.on_first_rank(lambda: self._written(model, losses, told, samples, start, waiting))
        check(entry)
        return entry

    def _waiting(self) -> float:
        """The share of the time since the last report in which the loop stood still for data; too much is told."""
        waited, now = self.loop.stream.waited, time.monotonic()
        share = (waited - self._waited) / max(now - self._reported, 1e-9)
        self._waited, self._reported = waited, now
        if share > PATIENCE and self.ranks.leads:
            told = f"the loop waited {share:.0%} of its time for data: a faster disk, or more memory, helps"
            print(told, file=sys.stderr)
        return share

    @property
    def _judge(self) -> Judge:
        """The first rank's."""
        assert self.judge is not None
        return self.judge

    def _written(
        self,
        model: Model,
        losses: Mapping[str, float],
        told: HealthMetrics,
        samples: Tensor,
        start: float,
        waiting: float,
    ) -> Entry:
        """The report of these losses and the model's samples, as the first rank leaves it; scoring began at `start`."""
        leading, n, seen = self._judge.score_names[0], len(samples), self.loop.seen
        told = told | sample_diagnostics(self._judge, samples, seen / len(self.data.train))
        scores = self._judge.scores(samples, "select")
        scores |= {name: float(score(samples)) for name, score in self.own_scores.items()}
        scoring = time.monotonic() - start
        entry = {
            "images": self.loop.seen,
            "rounds": self.loop.rounds,
            "seconds": round(self.seconds, 3),
            "scoring_seconds": round(scoring, 3),
            "losses": losses,
            "scores": scores,
            "protocol": self._judge.protocol("select", n),
            "processes": self.ranks.world,
            "micro_batches": self.config.micro_batches,
            "waiting": round(waiting, 4),
        }
        entry = with_health(entry, seen / self.config.images, told, self.journal.entries)
        picture = model.preview(SHOWN[self.data.medium])
        with atomic_write(self.folder / "samples" / f"{self.loop.seen:012d}.png") as aside:
            picture.save(aside, "PNG")
        fatal = fatal_alarms(entry)
        if not fatal and best([*self.journal.entries, entry], leading) is entry:
            model.save(self.folder / "model", "best")
        self.journal.add(entry)
        if not fatal:
            self.save(model)
        for watcher in self.watchers:
            watcher.report(entry, picture)
        return entry

    def save(self, model: Model) -> None:
        """The model, of the latest averaged weights, and a checkpoint: the last to be written, for what a run that is
        killed before has written is written again when it goes on."""
        model.save(self.folder / "model", "last")
        state = self.loop.state() | {f"sums.{name}": value for name, value in self.sums.items()}
        best = self.journal.best(self._judge.score_names[0])
        checkpoint.save_checkpoint(self.folder / "checkpoints", self.loop.seen, state, best["images"] if best else None)
        self._saved = self.loop.seen
