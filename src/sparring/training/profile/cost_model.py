"""What a round costs on n processes: compute, averaged gradients, data.

    T(n) = max(compute + Σ over collectives of t(S, n), images / data rate)
    t(S, n) = 2 (n − 1)/n · S/B + 2 ⌈log₂ n⌉ α

S bytes over links of bandwidth B and latency α: the ring's 2 (n − 1)/n passes of the data, which no all-reduce can
beat, and as many hops as a tree has (Thakur et al. 2005, "Optimization of collective communication operations in
MPICH", section 4.5). Gradients are averaged after the backward pass, so nothing overlaps but reading ahead. On several
nodes the slowest link counts, so B and α are those between nodes; each process is given the same number of images
however many there are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparring.errors import UserError
from sparring.game import Game


@dataclass(frozen=True)
class Interconnect:
    bandwidth: float
    """Bytes a second that one process sends while all do."""
    latency: float
    """Seconds a hop."""

    def seconds(self, size: float, n: int) -> float:
        """An all-reduce of `size` bytes among n processes."""
        bulk, hops = terms(size, n)
        return bulk / self.bandwidth + hops * self.latency


def terms(size: float, n: int) -> tuple[float, int]:
    """What bandwidth divides and latency multiplies: bytes and hops of an all-reduce."""
    return 2 * (n - 1) / n * size, 2 * math.ceil(math.log2(n))


@dataclass(frozen=True)
class Cost:
    """What a process does in a round."""

    compute: float
    """Seconds, with no other process."""
    images: int
    """Of this process's slice."""
    averaged: tuple[tuple[float, float], ...]
    """Bytes of each collective, and how often a round it is played."""
    data_rate: float = math.inf
    """Images a second that a process can read."""

    def seconds(self, n: int, link: Interconnect) -> float:
        told = sum(often * link.seconds(size, n) for size, often in self.averaged) if n > 1 else 0.0
        return max(self.compute + told, self.images / self.data_rate)


@dataclass(frozen=True)
class ScalingPoint:
    processes: int
    batch: int
    seconds: float
    """A round."""
    images_per_second: float
    efficiency: float
    """Of n times one process's images a second."""


def scaled(cost: Cost, link: Interconnect, processes: Sequence[int]) -> list[ScalingPoint]:
    """The same slice on each of n processes, for each n. Raises UserError for numbers that can't be."""
    for name, value in (("bandwidth", link.bandwidth), ("compute", cost.compute), ("data rate", cost.data_rate)):
        if not value > 0:
            raise UserError(f"{name} is {value:g}: it must be more than 0")
    if link.latency < 0 or min(processes, default=0) < 1:
        raise UserError("latency must be 0 or more, and processes 1 or more")
    alone, found = cost.seconds(1, link), []
    for n in processes:
        seconds, batch = cost.seconds(n, link), n * cost.images
        found.append(ScalingPoint(n, batch, seconds, batch / seconds, alone / seconds))
    return found


def averaged(game: Game, bytes_each: int = 4) -> tuple[tuple[float, float], ...]:
    """The collectives of a round of this game, as it begins: each turn's gradients, and the running statistics."""
    moves = []
    for turn in game.turns(0):
        size = sum(p.numel() for name in turn.learns for p in game.players[name].parameters() if p.requires_grad)
        moves.append((float(size * bytes_each), turn.times / turn.every))
    kept = sum(b.numel() for b in game.buffers() if b.is_floating_point())
    return (*moves, (float(kept * bytes_each), 1.0))


def fitted(measured: Sequence[tuple[float, int, float]]) -> Interconnect:
    """The link that explains measured all-reduces (bytes, processes, seconds) best: least squares of relative errors.

    Raises ValueError for fewer than two sizes, and for measurements no link explains.
    """
    rows = np.array([[*terms(size, n)] for size, n, _ in measured], dtype=float)
    seconds = np.array([seconds for *_, seconds in measured])
    if len({size for size, *_ in measured}) < 2:
        raise ValueError("all-reduces of two sizes or more tell bandwidth from latency")
    (inverse, latency), *_ = np.linalg.lstsq(rows / seconds[:, None], np.ones(len(rows)), rcond=None)
    if inverse <= 0:
        raise ValueError("larger all-reduces took no longer: measure larger ones")
    return Interconnect(1 / inverse, max(float(latency), 0.0))
