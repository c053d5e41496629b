"""What a run will cost on this machine, measured by playing a few of its rounds."""

import math
import resource
import statistics
import sys
from dataclasses import dataclass
from typing import Any

import torch

from sparring.training.loop.loop import Loop
from sparring.training.profile.clock import now

WARM, TIMED = 3, 10
"""Rounds played before, and while, the clock runs: before, of each kind."""
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
    seconds, batch = round_time(loop), loop.settings.batch
    return Forecast(
        seconds=seconds * -(-images // batch),
        images_per_second=batch / seconds,
        memory=peak(loop.device),
        parameters={name: sum(p.numel() for p in player.parameters()) for name, player in loop.game.players.items()},
    )


@dataclass(frozen=True)
class Kind:
    """Rounds in which the same turns are played: lazy ones sit most of them out."""

    first: int
    cycle: int
    """It comes again after so many rounds."""
    share: float
    """Of all rounds."""

    def times(self, rounds: int) -> int:
        """How many of so many rounds, but one at least."""
        return max(1, round(self.share * rounds))

    def play(self, loop: Loop, k: int) -> None:
        """The k-th of this kind."""
        loop.rounds = self.first + k * self.cycle
        loop.round()


def kinds(loop: Loop) -> list[Kind]:
    """All that a game has, as it begins."""
    every = [turn.every for turn in loop.game.turns(0)]
    cycle = math.lcm(*every)
    played: dict[tuple[bool, ...], list[int]] = {}
    for k in range(cycle):
        played.setdefault(tuple(k % n == 0 for n in every), []).append(k)
    return [Kind(these[0], cycle, len(these) / cycle) for these in played.values()]


def round_time(loop: Loop, warm: int = WARM, timed: int = TIMED) -> float:
    """Seconds of a round on average, of each kind the median of some, for a loop that is thrown away."""
    return sum(kind.share * _timed(loop, kind, warm, timed) for kind in kinds(loop))


def _timed(loop: Loop, kind: Kind, warm: int, timed: int) -> float:
    times = []
    for k in range(warm + kind.times(timed)):
        start = now(loop.device)
        kind.play(loop, k)
        times.append(now(loop.device) - start)
    return statistics.median(times[warm:])


def peak(device: torch.device) -> int:
    """The most this process ever held, in bytes: of the device on a GPU, of all memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return resident if sys.platform == "darwin" else resident * 1024  # Linux counts in KiB
