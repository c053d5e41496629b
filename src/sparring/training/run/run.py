"""A run: the loop over a data set, with its folder, journal, scores, samples and checkpoints.

Reports fire by rounds, never by the clock, and draw from generators of their own: observing a run does not change it.
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
from sparring.models.load import UNSCORED
from sparring.models.model import Model
from sparring.storage import atomic
from sparring.training import checkpoint
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks, first_rank
from sparring.training.health.monitors import HealthMetrics, health_metrics
from sparring.training.health.report import (
    check_finite,
    fatal_alarms,
    raise_if_fatal,
    recheck_round,
    sample_diagnostics,
    with_health,
)
from sparring.training.journal import Entry, Journal, best
from sparring.training.loop.precision import denormals_flushed
from sparring.training.report.progress import Progress
from sparring.training.run.assemble import build_loop, initial_loop
from sparring.training.run.best_weights import rollback_best
from sparring.training.run.interrupts import interruptions
from sparring.training.run.loggers import Logger
from sparring.training.run.machine_settings import record_micro_batches
from sparring.training.run.snapshot import CalibratedSnapshot, distributed_samples, snapshot

MAX_DATA_WAIT = 0.02
"""The share of its time that the loop may wait for data without a warning."""

Score = Callable[[Tensor], float]


class Run:
    """A configuration played in a folder.

    Args:
        folder: an existing run folder, with its `run.json`.
        judge: of rank 0.
        watchers: loggers, called after every report.
        scores: the user's own, by name: samples in the units of the data, (n, …) → a number.
        networks: the user's own players, by name.
        resumed: continue from the folder's last checkpoint, if it has one.
        deadline: of `time.monotonic()`, at which to stop.
        ranks: the processes that play it together. Rank 0 alone writes.
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
        self.calibrated = CalibratedSnapshot(self.model, data)
        self.journal = Journal(folder / "journal.jsonl")
        self.loss_sums: dict[str, Tensor] = {}
        """Of each loss since the last report: its sum and the number of rounds."""
        self.outcome, self._saved_at = "not played", -1
        self.report: Report | None = None
        """The closing scores, once the run has ended by itself."""
        if resumed:
            self._restore(device)
        self._earlier, self._start = 0.0, time.monotonic()

    def _restore(self, device: torch.device) -> None:
        state = self.ranks.broadcast_state(lambda: self._read_checkpoint(device), device)
        names = [name for name in state if name.startswith("sums.")]
        self.loss_sums = {name.removeprefix("sums."): state.pop(name) for name in names}
        self.loop.restore(state)

    def _read_checkpoint(self, device: torch.device) -> dict[str, Tensor]:
        state, damaged = checkpoint.latest_checkpoint(self.folder / "checkpoints", device)
        for path in damaged:
            print(f"{path} is damaged: continuing from the checkpoint before it", file=sys.stderr)
        return state

    @property
    def seconds(self) -> float:
        """Spent playing, over all sessions; of earlier ones, up to the report from which the run continues."""
        return self._earlier + time.monotonic() - self._start

    def play(self) -> str:
        """Plays to the end, the stop condition, the time limit or an interruption, and returns which; all is saved."""
        config, loop = self.config, self.loop
        self._rewind()
        entry = self.ranks.on_first_rank(lambda: self.journal.entry_at(self.loop.seen))
        last = self.ranks.on_first_rank(lambda: self.journal.last)
        self._earlier, self._start = self.journal.seconds, time.monotonic()
        self._waited, self._reported = loop.stream.waited, self._start
        bar = Progress(config.examples, loop.seen, quiet=not self.ranks.leads)
        with interruptions() as interrupted, bar as progress, denormals_flushed(), loop.restoring_requires_grad():
            outcome = self.end_reason(entry)
            while not outcome:  # at least one round a session, however short its time limit
                for name, loss in loop.round().items():
                    self.loss_sums[name] = self.loss_sums.get(name, 0) + torch.stack(
                        [loss.double(), torch.ones_like(loss)]
                    )
                self.config = record_micro_batches(self.config, loop, self.folder, self.data.fingerprint)
                progress.update(loop.seen)
                recheck = recheck_round(last, config.period)
                if loop.rounds % config.period == 0 or loop.rounds in (config.rounds, recheck):
                    entry = last = self._report()
                    progress.report(entry)
                outcome = self.end_reason(entry) or self._stop_reason(interrupted)
            self.outcome = outcome
            self._average_losses()
            self._save_unsaved()
        return outcome

    @first_rank
    def _rewind(self) -> None:
        atomic.ensure_folder(self.folder / "samples")  # a copy of a run may lack it: Git keeps no empty folders
        rollback_best(self.folder, self.journal, self._judge.score_names[0], self.loop, self.calibrated)
        self.journal.rewind(self.loop.seen)

    def end_reason(self, entry: Entry | None) -> str:
        """Why the run is over after this report, its last; "" if it is not."""
        condition = self.config.stop_condition
        if entry is not None and condition is not None and condition.is_met(entry["scores"]):
            return "reached"
        return "finished" if self.loop.rounds >= self.config.rounds else ""

    def _stop_reason(self, interrupted: threading.Event) -> str:
        """Why to stop before the end, if so: every rank stops after the same round."""
        if not self.ranks.any(interrupted.is_set() or time.monotonic() > self.deadline):
            return ""
        return "interrupted" if self.ranks.any(interrupted.is_set()) else "out of time"

    @first_rank
    def _save_unsaved(self) -> None:
        if self._saved_at != self.loop.seen:
            self.save(self.calibrated())

    def _average_losses(self) -> None:
        """Losses of the ranks' slices become those of the whole batch."""
        self.ranks.average_(list(self.loss_sums.values()))

    def _report(self) -> Entry:
        """Scores the samples, and writes the report. Raises RunDiverged for a fatal alarm."""
        self._average_losses()
        data_wait = self._data_wait()
        losses = {name: float(total / count) for name, (total, count) in self.loss_sums.items()}
        self.loss_sums = {}
        check_finite(losses, self.loop.seen)
        start = time.monotonic()
        model = self.calibrated()
        self._save_unscored(model)
        health = health_metrics(self.loop)  # on every rank: batch statistics may be of all ranks
        count = self.ranks.on_first_rank(lambda: self._judge.sample_count("select"))
        samples = distributed_samples(model, count, self.ranks)
        entry = self._write_report(model, losses, health, samples, start, data_wait)
        raise_if_fatal(entry)
        return entry

    @first_rank
    def _save_unscored(self, model: Model) -> None:
        """Saves the weights before anything is scored. Under another name, for they may turn out to have diverged."""
        model.save(self.folder / "model", UNSCORED)

    def _data_wait(self) -> float:
        """The share of the time since the last report that the loop waited for data; warns of too much."""
        waited, now = self.loop.stream.waited, time.monotonic()
        share = (waited - self._waited) / max(now - self._reported, 1e-9)
        self._waited, self._reported = waited, now
        if share > MAX_DATA_WAIT and self.ranks.leads:
            print(
                f"the loop waited {share:.0%} of its time for data: a faster disk, or more memory, helps",
                file=sys.stderr,
            )
        return share

    @property
    def _judge(self) -> Judge:
        assert self.judge is not None, "rank 0 alone has the judge"
        return self.judge

    @first_rank
    def _write_report(
        self,
        model: Model,
        losses: Mapping[str, float],
        health: HealthMetrics,
        samples: Tensor,
        start: float,
        data_wait: float,
    ) -> Entry:
        """Writes a preview, the best weights if these are they, a journal line and a checkpoint; returns the line.
        Scoring began at `start`."""
        selection, seen = self._judge.score_names[0], self.loop.seen
        health = health | sample_diagnostics(self._judge, samples, seen / len(self.data.train))
        scores = self._judge.training_scores(samples, model)
        scores |= {name: float(score(samples)) for name, score in self.own_scores.items()}
        entry = {
            "examples": seen,
            "rounds": self.loop.rounds,
            "seconds": round(self.seconds, 3),
            "scoring_seconds": round(time.monotonic() - start, 3),
            "losses": losses,
            "scores": scores,
            "protocol": self._judge.protocol("select", len(samples)),
            "processes": self.ranks.world,
            "micro_batches": self.config.micro_batches,
            "data_wait": round(data_wait, 4),
        }
        entry = with_health(entry, seen / self.config.examples, health, self.journal.entries)
        preview = model.preview(model.modality.preview_count)
        atomic.write_bytes(self.folder / "samples" / f"{seen:012d}.{preview.kind}", preview.content)
        fatal = fatal_alarms(entry)
        if not fatal and best([*self.journal.entries, entry], selection) is entry:
            model.save(self.folder / "model", "best")
        self.journal.add(entry)
        if not fatal:
            self.save(model)
        atomic.remove_file(self.folder / "model" / f"{UNSCORED}.safetensors")
        picture = preview.image if preview.kind in ("png", "gif") else None
        for watcher in self.watchers:
            watcher.report(entry, picture)
        return entry

    def save(self, model: Model) -> None:
        """Writes the model, of the latest averaged weights, and then a checkpoint: what a killed run wrote before its
        checkpoint is written again when it continues."""
        model.save(self.folder / "model", "last")
        state = self.loop.state() | {f"sums.{name}": value for name, value in self.loss_sums.items()}
        entry = self.journal.best(self._judge.score_names[0])
        best_at = entry["examples"] if entry else None
        checkpoint.save_checkpoint(self.folder / "checkpoints", self.loop.seen, state, best_at)
        self._saved_at = self.loop.seen
