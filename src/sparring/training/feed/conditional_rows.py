"""Rows of a table, each with something that is asked of it."""

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.table.schema import Schema
from sparring.rng import CLASS, derived_seed


class ConditionalRows:
    """A table's rows, each given the option that it has in one of the categories' columns: training by sampling, Xu et
    al. 2019 (arXiv:1907.00503), section 4.3. Every column is given as often, and its options as the logarithms of their
    counts are to each other.
    """

    def __init__(self, data: Dataset, schema: Schema, device: torch.device):
        self.values, self.schema = data.train.values.to(device), schema
        starts = torch.tensor([0, *schema.choices]).cumsum(0)
        self.columns = schema.conditions
        rows = [_by_logarithm(schema.option(column, data.train.values), i) for i, column in enumerate(self.columns)]
        self.rows = torch.stack(rows)  # (columns, n)
        self.starts = torch.stack([starts[schema.learnt.index(column)] for column in self.columns])

    def __len__(self) -> int:
        return self.rows.numel()

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) indices → rows (n, width), and the options they are given for, one-hot (n, options of all columns)."""
        column, slot = indices.cpu() // self.rows.shape[1], indices.cpu() % self.rows.shape[1]
        values = self.values[self.rows[column, slot].to(self.values.device)]
        given = torch.zeros(len(indices), sum(self.schema.choices))
        for i, which in enumerate(self.columns):
            mine = (column == i).nonzero()[:, 0]
            given[mine, self.starts[i] + self.schema.option(which, values[mine])] = 1
        return self.schema.encode(values), given.to(values.device)


def _by_logarithm(option: Tensor, key: int) -> Tensor:
    """n rows (n,), in which an option is as frequent as log(1 + its count) makes it; those that have it take turns."""
    g = torch.Generator().manual_seed(derived_seed(CLASS, key))
    counts = option.bincount()
    drawn = torch.multinomial(counts.double().log1p(), len(option), replacement=True, generator=g)
    order = option.argsort(stable=True)
    turn = torch.empty_like(drawn)
    by_option = drawn.argsort(stable=True)
    before = drawn.bincount(minlength=len(counts)).cumsum(0) - drawn.bincount(minlength=len(counts))
    turn[by_option] = torch.arange(len(drawn)) - before[drawn[by_option]]
    return order[counts.cumsum(0)[drawn] - counts[drawn] + turn % counts[drawn]]
