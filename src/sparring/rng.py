"""Random streams derived from the seed and counters, so that no generator state is saved.

Draws depend on the seed and the round only, never on ranks, micro-batches or time: resumed and distributed runs draw
the same numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def derived_seed(*key: int) -> int:
    """A 63-bit seed for a key; different keys give independent streams."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)


def generator(device: torch.device, *key: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(derived_seed(*key))


def seed_ambient(device: torch.device, *key: int) -> None:
    """Seeds torch's default generators, which dropout uses.

    On a CPU only its own: `torch.manual_seed` also seeds other devices, which costs up to 0.5 ms per round.
    """
    seed = torch.default_generator.manual_seed if device.type == "cpu" else torch.manual_seed
    seed(derived_seed(*key))


@contextmanager
def torch_state_restored() -> Iterator[None]:
    """Restores torch's default generators and its number of threads, which training sets."""
    threads = torch.get_num_threads()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        torch.set_num_threads(threads)


class EpochPermutation:
    """An endless stream of shuffled epochs over n examples, as batches of indices (batch,)."""

    def __init__(self, n: int, batch: int, seed: int):
        self.n, self.batch, self.seed = n, batch, seed
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def __call__(self, k: int) -> Tensor:
        """Batch k, which may span two epochs, so that no example is left out."""
        start, parts = k * self.batch, []
        while start < (k + 1) * self.batch:
            epoch, offset = divmod(start, self.n)
            parts.append(self._shuffled(epoch)[offset : offset + (k + 1) * self.batch - start])
            start += len(parts[-1])
        return torch.cat(parts)

    def _shuffled(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            self._epoch = epoch
            g = torch.Generator().manual_seed(derived_seed(self.seed, EPOCH, epoch))
            self._permutation = torch.randperm(self.n, generator=g)
        return self._permutation


# Purpose of a stream: the second number of its key.
WEIGHTS, EPOCH, LATENT, PLAY, SAMPLE, PRIVACY, CLASS = range(7)
