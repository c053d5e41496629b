"""How sure scores are: the delete-a-group jackknife (Shao & Tu 1995, The Jackknife and Bootstrap, section 2.3).

A bootstrap draws some samples twice, and a sample twice is its own nearest neighbour: precision, coverage, memorisation
and every score with a bias in n would move. Leaving a tenth out at a time repeats nothing.
"""

from collections.abc import Callable

import torch
from torch import Tensor

_GROUPS = 10
_T = 2.262
"""Student's 97.5 % quantile for nine degrees of freedom."""


def half_widths(scores: Callable[[Tensor], dict[str, float]], n: int, seed: int = 0) -> dict[str, float]:
    """Half the 95 % interval of each score of n samples.

    Args:
        scores: of the samples with these indices, int64 (at most n,).
    """
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    groups = torch.arange(n) % _GROUPS
    without = [scores(order[groups != g]) for g in range(_GROUPS)]
    return {name: _half_width([one[name] for one in without]) for name in without[0]}


def _half_width(values: list[float]) -> float:
    return _T * float(((_GROUPS - 1) * torch.tensor(values, dtype=torch.float64).var(correction=0)).sqrt())
