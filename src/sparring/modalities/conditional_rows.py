"""Rows of a table, each on condition of one of its values: in training and when they are sampled."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.table.schema import Schema
from sparring.errors import UserError
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


@dataclass(frozen=True, eq=False)
class TableConditions:
    """One option of one column for each row, as often as the training data has it."""

    columns: tuple[tuple[float, ...], ...]
    """Shares of the options of each column the network sees; empty for columns that are no condition."""
    widths: tuple[int, ...]
    """Numbers of options of each column the network sees."""

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """One-hot rows (n, options of all columns): a uniformly drawn column, an option by its share."""
        if label is not None:
            raise UserError("a table has no labels: use --where COLUMN=VALUE")
        condition, start = torch.zeros(n, sum(self.widths)), 0
        eligible = [k for k, shares in enumerate(self.columns) if shares]
        column = torch.randint(len(eligible), (n,), generator=g)
        for k, (shares, width) in enumerate(zip(self.columns, self.widths, strict=True)):
            if shares:
                rows = (column == eligible.index(k)).nonzero()[:, 0]
                options = torch.multinomial(torch.tensor(shares), len(rows) + 1, replacement=True, generator=g)[:-1]
                condition[rows, start + options] = 1
            start += width
        return condition


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
