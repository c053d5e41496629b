"""Time of a training round. Rounds are timed by kind, because lazy turns are played in some of them only."""

import math
import statistics
import time
from dataclasses import dataclass

import torch

from sparring.training.loop.loop import Loop

WARM, TIMED = 3, 10
"""Rounds of each kind before timing starts; rounds timed in all."""
ENOUGH, MIN_TIMED = 5.0, 3
"""Seconds after which no more rounds of a kind are timed, once there are so many: long rounds vary little."""


@dataclass(frozen=True)
class RoundKind:
    """Rounds in which the same turns are played."""

    first: int
    cycle: int
    """Rounds from one of this kind to the next."""
    share: float
    """Of all rounds."""

    def count(self, rounds: int) -> int:
        """Rounds of this kind among `rounds`; at least 1."""
        return max(1, round(self.share * rounds))

    def play(self, loop: Loop, k: int) -> None:
        """Plays the k-th round of this kind."""
        loop.rounds = self.first + k * self.cycle
        loop.round()


def round_kinds(loop: Loop) -> list[RoundKind]:
    """All kinds of rounds of the loop's game at its start."""
    every = [turn.every for turn in loop.game.turns(0)]
    cycle = math.lcm(*every)
    rounds: dict[tuple[bool, ...], list[int]] = {}
    for k in range(cycle):
        rounds.setdefault(tuple(k % n == 0 for n in every), []).append(k)
    return [RoundKind(same[0], cycle, len(same) / cycle) for same in rounds.values()]


def round_time(loop: Loop, warm: int | None = None, timed: int | None = None) -> float:
    """Seconds per round: the medians of each kind, weighted by its share. Trains the loop: pass a disposable one."""
    warm, timed = WARM if warm is None else warm, TIMED if timed is None else timed
    return sum(kind.share * _median_time(loop, kind, warm, timed) for kind in round_kinds(loop))


def _median_time(loop: Loop, kind: RoundKind, warm: int, timed: int) -> float:
    times = []
    for k in range(warm + kind.count(timed)):
        start = synchronised_time(loop.device)
        kind.play(loop, k)
        times.append(synchronised_time(loop.device) - start)
        if sum(times) > ENOUGH and len(times) > MIN_TIMED:
            break
    return statistics.median(times[min(warm, len(times) - MIN_TIMED) :])


def synchronised_time(device: torch.device) -> float:
    """The clock in seconds, once the device has finished all queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
