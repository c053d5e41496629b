"""Confidence intervals of scores: the delete-a-group jackknife.

Shao & Tu 1995, The Jackknife and Bootstrap, section 2.3. The bootstrap is unsuitable: its repeated samples are their
own nearest neighbours, which biases precision, coverage and memorisation.
"""

from collections.abc import Callable

import torch
from torch import Tensor

GROUPS = 10
"""Groups, each of which is left out once."""
_T = 2.262
"""97.5 % quantile of Student's t with nine degrees of freedom."""


def half_widths(scores: Callable[[Tensor], dict[str, float]], n: int, seed: int = 0) -> dict[str, float]:
    """Half width of the 95 % confidence interval of each score of n samples.

    Args:
        scores: maps indices of samples, int64 (≤ n,), to their scores.
    """
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    groups = torch.arange(n) % GROUPS
    without = [scores(order[groups != g]) for g in range(GROUPS)]
    return {name: _half_width([one[name] for one in without]) for name in without[0]}


def _half_width(values: list[float]) -> float:
    return _T * float(((GROUPS - 1) * torch.tensor(values, dtype=torch.float64).var(correction=0)).sqrt())
