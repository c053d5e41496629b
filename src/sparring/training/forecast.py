"""What a run will cost on this machine, measured by playing a few of its rounds."""

import resource
import statistics
import sys
from dataclasses import dataclass
from typing import Any

import torch

from sparring.training.clock import now
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


def forecast(loop: Loop, images: int) -> Forecast:
    """Plays the loop a few rounds, so it must be one that is thrown away."""
    times = []
    for _ in range(WARM + TIMED):
        start = now(loop.device)
        loop.round()
        times.append(now(loop.device) - start)
    round_time, batch = statistics.median(times[WARM:]), loop.settings.batch
    return Forecast(
        seconds=round_time * -(-images // batch),
        images_per_second=batch / round_time,
        memory=peak(loop.device),
        parameters={name: sum(p.numel() for p in player.parameters()) for name, player in loop.game.players.items()},
    )


def peak(device: torch.device) -> int:
    """The most this process ever held, in bytes: of the device on a GPU, of all memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return resident if sys.platform == "darwin" else resident * 1024  # Linux counts in KiB
