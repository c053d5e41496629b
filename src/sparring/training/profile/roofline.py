"""Peak rates of this machine: matrix products and memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.training.tuning.round_time import synchronised_time

SIDE, RUNS = 2048, 8
LARGE = 2**26
"""Values in a vector larger than any cache."""


@dataclass(frozen=True)
class Roofline:
    gflops: float
    """Of a product of square matrices."""
    bandwidth: float
    """GB/s while copying a vector."""


def limits(device: torch.device, dtype: torch.dtype) -> Roofline:
    """The best of a few runs on this device, with matrices of this dtype."""
    x, y = (torch.ones(LARGE, device=device) for _ in range(2))
    copy = _best(lambda: y.copy_(x), device, RUNS)
    return Roofline(product_rate(torch.randn(SIDE, SIDE, device=device).to(dtype)), 2 * x.nbytes / copy / 1e9)


def product_rate(x: Tensor, runs: int = RUNS) -> float:
    """GFLOP/s of x·x for x (n, n), the best of a few runs."""
    return 2 * len(x) ** 3 / _best(lambda: x @ x, x.device, runs) / 1e9


def _best(call: Callable[[], object], device: torch.device, runs: int) -> float:
    times = []
    for _ in range(runs):
        start = synchronised_time(device)
        call()
        times.append(synchronised_time(device) - start)
    return min(times)
