"""What this machine can do at best: measured rates of products and of memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.training.profile.clock import now

SIDE, RUNS = 2048, 8
LARGE = 2**26
"""Numbers in a vector that no cache holds."""


@dataclass(frozen=True)
class Roofline:
    gflops: float
    """Of a square product."""
    bandwidth: float
    """GB/s of reading one vector and writing another."""


def limits(device: torch.device, dtype: torch.dtype) -> Roofline:
    """On this device, in this number format; the best of a few runs."""
    x, y = (torch.ones(LARGE, device=device) for _ in range(2))
    copy = _best(lambda: y.copy_(x), device, RUNS)
    return Roofline(product_rate(torch.randn(SIDE, SIDE, device=device).to(dtype)), 2 * x.nbytes / copy / 1e9)


def product_rate(x: Tensor, runs: int = RUNS) -> float:
    """GFLOP/s of x·x, x (n, n), in the best of a few runs."""
    return 2 * len(x) ** 3 / _best(lambda: x @ x, x.device, runs) / 1e9


def _best(call: Callable[[], object], device: torch.device, runs: int) -> float:
    times = []
    for _ in range(runs):
        start = now(device)
        call()
        times.append(now(device) - start)
    return min(times)
