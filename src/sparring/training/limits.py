"""What this machine can do at best: measured rates of products and of memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

SIDE, RUNS = 2048, 8
LARGE = 2**26
"""Numbers in a vector that no cache holds."""


@dataclass(frozen=True)
class Limits:
    gflops: float
    """Of a square product."""
    bandwidth: float
    """GB/s of reading one vector and writing another."""


def limits(device: torch.device, dtype: torch.dtype) -> Limits:
    """On this device, in this number format; the best of a few runs."""
    a, b = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
    x, y = (torch.ones(LARGE, device=device) for _ in range(2))
    product, copy = _best(lambda: a @ b, device), _best(lambda: y.copy_(x), device)
    return Limits(2 * SIDE**3 / product / 1e9, 2 * x.nbytes / copy / 1e9)


def _best(call: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return min(times)
