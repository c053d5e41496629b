"""What a run will take: time, memory, disk and money, told by playing and scoring a little of it in memory."""

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.training.profile.forecast import MIB, TIMED, Forecast, forecast, peak
from sparring.training.run.assemble import initial_loop
from sparring.training.run.checkpoint import KEPT
from sparring.training.run.config import Config
from sparring.training.run.snapshot import snapshot
from sparring.training.tuning.resolve import resolve_machine_settings

FEW = 100
"""Samples that are scored before the clock runs: what a judge looks up once is no report's."""


@dataclass(frozen=True)
class Plan:
    config: Config
    """With the slices that memory allows."""
    playing: Forecast
    scoring: float
    """Seconds of a report's samples and scores."""
    reports: int
    memory: int
    """Bytes at the peak, of playing and scoring."""
    disk: int
    """Bytes of checkpoints and models that a run folder holds at its end; pictures and papers come on top."""

    @property
    def seconds(self) -> float:
        """Of the whole run, as far as its limit on the clock allows; the closing scores come on top."""
        whole = self.playing.seconds + self.reports * self.scoring
        return min(whole, 60 * self.config.minutes) if self.config.minutes else whole

    def cost(self, price: float) -> float:
        """At a price an hour, in its currency."""
        return self.seconds / 3600 * price

    def to_dict(self) -> dict[str, Any]:
        about = {"scoring_seconds": self.scoring, "reports": self.reports, "total_seconds": self.seconds}
        return self.playing.to_dict() | about | {"memory": self.memory, "disk": self.disk}

    def text(self, out: str | None, price: float | None) -> str:
        """A table."""
        scores = f"{self.reports} reports of {self.scoring:,.1f} s"
        limit = f" (--minutes {self.config.minutes:g})" if self.config.minutes else ""
        players = ", ".join(f"{name} {count:,}" for name, count in self.playing.parameters.items())
        rows = {
            "parameters": players,
            "playing": f"{self.playing.seconds / 60:,.1f} minutes, {self.playing.images_per_second:,.0f} images/s",
            "scores": f"{self.reports * self.scoring / 60:,.1f} minutes: {scores}",
            "in all": f"{self.seconds / 60:,.1f} minutes{limit}; closing scores come on top",
            "memory": f"{self.memory / MIB:,.0f} MiB at the peak",
            "disk": f"{self.disk / MIB:,.1f} MiB of checkpoints and models in {out or 'the run folder'}",
        }
        if price is not None:
            rows["cost"] = f"{self.cost(price):,.2f} at {price:g} an hour"
        table = "\n".join(f"{name:<10}  {value}" for name, value in rows.items())
        return f"{table}\n(measured: {TIMED} rounds and one report's scores on this machine)"


def make_plan(config: Config, data: Dataset, judge: Judge, networks: Mapping[str, nn.Module] = {}) -> Plan:
    """Raises UserError as a run of it would; leaves the networks handed over as they are, and no file."""
    config, device = resolve_machine_settings(config, data, networks), torch.device(config.device)
    loop = initial_loop(config, data, device, deepcopy(dict(networks)))
    playing = forecast(loop, config.images)
    model = snapshot(loop, config, data)
    judge.scores(model.sample(min(FEW, judge.sample_count("select"))), "select")
    start = time.perf_counter()
    judge.scores(model.sample(judge.sample_count("select")), "select")
    scoring = time.perf_counter() - start
    disk = (KEPT + 1) * _bytes(loop.state()) + 2 * _bytes(loop.ema.players.state_dict())  # and the best; last and best
    return Plan(config, playing, scoring, -(-config.rounds // config.period), peak(device), disk)


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(x.nbytes for x in tensors.values())
