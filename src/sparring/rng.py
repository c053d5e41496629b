"""Randomness as a function of the seed and of counters, so that nothing of it needs saving.

What is drawn depends on the seed and on how many rounds were opened before, never on ranks, micro-batches or the
clock: a resumed run and a run on more processes draw the same numbers.
"""

import numpy as np
import torch
from torch import Tensor


def derived_seed(*key: int) -> int:
    """A 63-bit seed for this key; other keys give independent streams."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)


def generator(device: torch.device, *key: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(derived_seed(*key))


def seed_ambient(device: torch.device, *key: int) -> None:
    """Seeds the streams that dropout and its like draw from.

    `torch.manual_seed` seeds every device there might be, and keeps a stack trace for those that have not started: ten
    times the work, up to half a millisecond a round, which small networks on a CPU notice.
    """
    seed = torch.default_generator.manual_seed if device.type == "cpu" else torch.manual_seed
    seed(derived_seed(*key))


class EpochPermutation:
    """An endless stream of shuffled epochs over n examples; batch k is always the same (batch,) indices."""

    def __init__(self, n: int, batch: int, seed: int):
        self.n, self.batch, self.seed = n, batch, seed
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def __call__(self, k: int) -> Tensor:
        """Batch k; it may begin in one epoch and end in the next, so no example is ever left out."""
        start, taken = k * self.batch, []
        while start < (k + 1) * self.batch:
            epoch, offset = divmod(start, self.n)
            taken.append(self._shuffled(epoch)[offset : offset + (k + 1) * self.batch - start])
            start += len(taken[-1])
        return torch.cat(taken)

    def _shuffled(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            self._epoch = epoch
            g = torch.Generator().manual_seed(derived_seed(self.seed, EPOCH, epoch))
            self._permutation = torch.randperm(self.n, generator=g)
        return self._permutation


# What a stream is for: the second number of its key.
WEIGHTS, EPOCH, LATENT, PLAY, SAMPLE, PRIVACY, CLASS = range(7)
