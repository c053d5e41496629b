"""Forecast of a run: time, memory, disk and cost, from a few rounds and one report's scores on this machine."""

import resource
import sys
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from sparring.build.game import build_game, input_shape
from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.modalities.registry import MODALITIES
from sparring.recipes import Recipe
from sparring.recipes.recipe import Shape
from sparring.training.checkpoint import KEEP
from sparring.training.config.config import Config
from sparring.training.loop import precision as machine
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import PRECISIONS
from sparring.training.loop.settings import loop_settings
from sparring.training.run.assemble import initial_loop
from sparring.training.run.machine_settings import resolve_machine_settings
from sparring.training.run.snapshot import snapshot
from sparring.training.tuning.machine import faster_precision
from sparring.training.tuning.round_time import TIMED, round_time

WARM_SAMPLES = 100
"""Samples scored before timing, so that what the judge computes only once is not counted."""
MIB = 2**20


@dataclass(frozen=True)
class Forecast:
    config: Config
    """With machine settings resolved."""
    round_seconds: float
    parameters: dict[str, int]
    """By player."""
    scoring: float
    """Seconds of a report: samples and scores."""
    memory: int
    """Peak in bytes: of the process on a CPU, of the device on a GPU."""
    disk: int
    """Bytes of checkpoints and models in the finished run folder, without pictures and reports."""

    @property
    def playing(self) -> float:
        """Seconds of all rounds."""
        return self.round_seconds * self.config.rounds

    @property
    def images_per_second(self) -> float:
        return self.config.recipe.batch / self.round_seconds

    @property
    def reports(self) -> int:
        return -(-self.config.rounds // self.config.period)

    @property
    def seconds(self) -> float:
        """Of the run up to its time limit, without the final scores."""
        whole = self.playing + self.reports * self.scoring
        return min(whole, 60 * self.config.minutes) if self.config.minutes else whole

    def cost(self, price: float) -> float:
        """At a price per hour, in its currency."""
        return self.seconds / 3600 * price

    def to_dict(self) -> dict[str, Any]:
        return {
            "seconds": self.playing,
            "images_per_second": self.images_per_second,
            "memory": self.memory,
            "parameters": self.parameters,
            "scoring_seconds": self.scoring,
            "reports": self.reports,
            "total_seconds": self.seconds,
            "disk": self.disk,
        }

    def text(self, out: str | None, price: float | None) -> str:
        """A table."""
        limit = f" (--minutes {self.config.minutes:g})" if self.config.minutes else ""
        scoring = self.reports * self.scoring / 60
        rows = {
            "parameters": ", ".join(f"{name} {count:,}" for name, count in self.parameters.items()),
            "playing": f"{self.playing / 60:,.1f} minutes, {self.images_per_second:,.0f} images/s",
            "scores": f"{scoring:,.1f} minutes: {self.reports} reports of {self.scoring:,.1f} s",
            "in all": f"{self.seconds / 60:,.1f} minutes{limit}; closing scores come on top",
            "memory": f"{self.memory / MIB:,.0f} MiB at the peak",
            "disk": f"{self.disk / MIB:,.1f} MiB of checkpoints and models in {out or 'the run folder'}",
        }
        if price is not None:
            rows["cost"] = f"{self.cost(price):,.2f} at {price:g} an hour"
        table = "\n".join(f"{name:<10}  {value}" for name, value in rows.items())
        return f"{table}\n(measured: {TIMED} rounds and one report's scores on this machine)"


def forecast_run(config: Config, data: Dataset, judge: Judge, networks: Mapping[str, nn.Module] = {}) -> Forecast:
    """Plays and scores in memory; writes no file and does not change `networks`. Raises UserError as a run would."""
    config = resolve_machine_settings(config, data, networks)
    device = torch.device(config.device)
    loop = initial_loop(config, data, device, deepcopy(dict(networks)))
    round_seconds = round_time(loop)
    model = snapshot(loop, config, data)
    judge.scores(model.sample(min(WARM_SAMPLES, judge.sample_count("select"))), "select")
    start = time.perf_counter()
    judge.scores(model.sample(judge.sample_count("select")), "select")
    return Forecast(
        config,
        round_seconds,
        parameters={name: sum(p.numel() for p in player.parameters()) for name, player in loop.game.players.items()},
        scoring=time.perf_counter() - start,
        memory=_peak_memory(device),
        # Checkpoints: the latest ones and the best. Models: last and best.
        disk=(KEEP + 1) * _bytes(loop.state()) + 2 * _bytes(loop.ema.players.state_dict()),
    )


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(x.nbytes for x in tensors.values())


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return resident if sys.platform == "darwin" else resident * 1024  # Linux counts in KiB


class RandomImages:
    """Source of n random images in [−1, 1], with classes in turn, or with input images of shape `inputs`."""

    def __init__(self, n: int, shape: Shape, classes: int, device: torch.device, inputs: Shape | None = None):
        self.x = torch.rand(n, *shape, device=device) * 2 - 1
        self.condition = torch.arange(n, device=device) % classes if classes else None
        if inputs is not None:
            self.condition = torch.rand(n, *inputs, device=device) * 2 - 1

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x[indices], None if self.condition is None else self.condition[indices]


def recipe_round_time(recipe: Recipe, shape: Shape, batch: int, classes: int = 0) -> float:
    """Seconds per round of a recipe on random images. Raises UserError for a shape its networks can't generate."""
    device = machine.device("auto")
    recipe = replace(recipe, batch=batch)
    inputs = None if recipe.degradations or classes else input_shape(recipe, shape) or None

    def new_loop(precision: str) -> Loop:
        game = build_game(recipe, shape, {}, classes).to(device)
        MODALITIES[recipe.modality].to_memory_format(game)
        images = RandomImages(4 * batch, shape, classes, device, inputs)
        return Loop(game, images, loop_settings(recipe, autocast=PRECISIONS[precision]))

    return round_time(new_loop(faster_precision(recipe, shape, device, new_loop)))
