"""How sure a score is: the delete-a-group jackknife (Shao & Tu 1995, The Jackknife and Bootstrap, section 2.3).

A bootstrap draws some samples twice, and a sample twice is its own nearest neighbour: precision, coverage, memorisation
and every score with a bias in n would move. Leaving a tenth out at a time repeats nothing.
"""

from collections.abc import Callable

import torch
from torch import Tensor

GROUPS = 10
T = 2.262
"""Student's 97.5 % quantile for nine degrees of freedom."""


def half_width(score: Callable[[Tensor], float], n: int, seed: int = 0) -> float:
    """Half the 95 % interval of a score of n samples.

    Args:
        score: of the samples with these indices, int64 (at most n,).
    """
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    groups = torch.arange(n) % GROUPS
    without = torch.tensor([score(order[groups != g]) for g in range(GROUPS)], dtype=torch.float64)
    return T * float(((GROUPS - 1) * without.var(correction=0)).sqrt())
