"""What a run will cost on this machine, measured by playing a few of its rounds."""

import resource
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch

from sparring.training.loop import Loop

WARM, TIMED = 3, 10
"""Rounds played before, and while, the clock runs."""
MIB = 2**20


@dataclass(frozen=True)
class Forecast:
    seconds: float
    """Of playing all rounds; scores and pictures come on top."""
    images_per_second: float
    memory: int
    """Bytes at the peak: of the process on a CPU, of the device on a GPU."""
    parameters: dict[str, int]
    """By player."""

    def to_dict(self) -> dict[str, Any]:
        return vars(self) | {}

    def text(self) -> str:
        players = ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
        return (
            f"parameters: {players}\n"
            f"forecast: {self.seconds / 60:,.1f} minutes at {self.images_per_second:,.0f} images/s, "
            f"{self.memory / MIB:,.0f} MiB at the peak (measured: {TIMED} rounds on this machine)"
        )


def forecast(loop: Loop, images: int) -> Forecast:
    """Plays the loop a few rounds, so it must be one that is thrown away."""
    on_gpu = loop.device.type == "cuda"
    times = []
    for _ in range(WARM + TIMED):
        start = time.perf_counter()
        loop.round()
        if on_gpu:
            torch.cuda.synchronize(loop.device)
        times.append(time.perf_counter() - start)
    round_time, batch = statistics.median(times[WARM:]), loop.settings.batch
    return Forecast(
        seconds=round_time * -(-images // batch),
        images_per_second=batch / round_time,
        memory=torch.cuda.max_memory_allocated(loop.device) if on_gpu else _resident(),
        parameters={name: sum(p.numel() for p in player.parameters()) for name, player in loop.game.players.items()},
    )


def _resident() -> int:
    """The most this process ever held, in bytes; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
