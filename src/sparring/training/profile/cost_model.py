"""Cost model of a round on n processes: compute, all-reduces, data loading.

    T(n) = max(compute + Σ over collectives of t(S, n), images / data rate)
    t(S, n) = 2 (n − 1)/n · S/B + 2 ⌈log₂ n⌉ α

S bytes over links of bandwidth B and latency α: 2 (n − 1)/n passes of the data as in a ring, the lower bound of any
all-reduce, and the hops of a tree (Thakur et al. 2005, "Optimization of collective communication operations in MPICH",
section 4.5). Gradients are averaged after the backward pass, so only prefetching overlaps. With several nodes, B and α
are those between nodes, the slowest links. Each process has the same number of images, whatever n is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparring.errors import UserError
from sparring.errors.bounds import POSITIVE
from sparring.game import Game


@dataclass(frozen=True)
class Interconnect:
    bandwidth: float
    """Bytes per second that each process sends while all send."""
    latency: float
    """Seconds per hop."""

    def seconds(self, size: float, n: int) -> float:
        """Duration of an all-reduce of `size` bytes among n processes."""
        bulk, hops = volume_and_hops(size, n)
        return bulk / self.bandwidth + hops * self.latency


def volume_and_hops(size: float, n: int) -> tuple[float, int]:
    """Bytes that each process sends in an all-reduce, and hops."""
    return 2 * (n - 1) / n * size, 2 * math.ceil(math.log2(n))


@dataclass(frozen=True)
class Cost:
    """Work of one process in a round."""

    compute: float
    """Seconds on a single process."""
    images: int
    """Per process."""
    averaged: tuple[tuple[float, float], ...]
    """Bytes of each all-reduce, and how often it runs per round."""
    data_rate: float = math.inf
    """Images per second that a process can read."""

    def seconds(self, n: int, link: Interconnect) -> float:
        averaging = sum(often * link.seconds(size, n) for size, often in self.averaged) if n > 1 else 0.0
        return max(self.compute + averaging, self.images / self.data_rate)


@dataclass(frozen=True)
class ScalingPoint:
    processes: int
    batch: int
    seconds: float
    """Per round."""
    images_per_second: float
    efficiency: float
    """Relative to n times the images per second of one process."""


def weak_scaling(cost: Cost, link: Interconnect, processes: Sequence[int]) -> list[ScalingPoint]:
    """Weak scaling to each number of processes. Raises UserError for impossible values."""
    for name, value in (("bandwidth", link.bandwidth), ("compute", cost.compute), ("data rate", cost.data_rate)):
        POSITIVE.check(name, value)
    if link.latency < 0 or min(processes, default=0) < 1:
        raise UserError("latency must be 0 or more, and processes 1 or more")
    alone, points = cost.seconds(1, link), []
    for n in processes:
        seconds, batch = cost.seconds(n, link), n * cost.images
        points.append(ScalingPoint(n, batch, seconds, batch / seconds, alone / seconds))
    return points


def averaged(game: Game, bytes_each: int = 4) -> tuple[tuple[float, float], ...]:
    """The all-reduces of a round, as `Cost.averaged`: gradients of each turn of a new game, then buffers."""
    gradients = []
    for turn in game.turns(0):
        size = sum(p.numel() for name in turn.learns for p in game.players[name].parameters() if p.requires_grad)
        gradients.append((float(size * bytes_each), turn.times / turn.every))
    buffers = sum(b.numel() for b in game.buffers() if b.is_floating_point())
    return (*gradients, (float(buffers * bytes_each), 1.0))


def fit_interconnect(measured: Sequence[tuple[float, int, float]]) -> Interconnect:
    """Least-squares fit of relative errors to measured all-reduces (bytes, processes, seconds).

    Raises ValueError for fewer than two sizes, and for times that do not increase with size.
    """
    rows = np.array([[*volume_and_hops(size, n)] for size, n, _ in measured], dtype=float)
    seconds = np.array([seconds for *_, seconds in measured])
    if len({size for size, *_ in measured}) < 2:
        raise ValueError("measure all-reduces of at least two sizes")
    (inverse, latency), *_ = np.linalg.lstsq(rows / seconds[:, None], np.ones(len(rows)), rcond=None)
    if inverse <= 0:
        raise ValueError("larger all-reduces took no longer: measure larger ones")
    return Interconnect(1 / inverse, max(float(latency), 0.0))
