"""Conditional table rows, for training by sampling and for generation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.rng import CLASS, derived_seed


class ConditionalRows:
    """Training rows, each conditioned on its category in one column.

    Training by sampling, Xu et al. 2019 (arXiv:1907.00503), section 4.3: columns are equally frequent, and categories
    of a column are sampled in proportion to the logarithm of their counts.
    """

    def __init__(self, data: Dataset, schema: Schema, device: torch.device):
        self.values, self.schema = data.train.values.to(device), schema
        starts = torch.tensor([0, *schema.choices]).cumsum(0)
        self.columns = schema.conditions
        if not self.columns:
            raise UserError("ctgan needs a column of categories: use the recipe table, or set a column's kind")
        rows = [_by_logarithm(schema.option(column, data.train.values), i) for i, column in enumerate(self.columns)]
        self.rows = torch.stack(rows)  # (columns, n)
        self.starts = torch.stack([starts[schema.learnt.index(column)] for column in self.columns])

    def __len__(self) -> int:
        return self.rows.numel()

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Indices (n,) → rows (n, width) and their conditions, one-hot (n, options of all columns)."""
        column, slot = indices.cpu() // self.rows.shape[1], indices.cpu() % self.rows.shape[1]
        values = self.values[self.rows[column, slot].to(self.values.device)]
        condition = torch.zeros(len(indices), sum(self.schema.choices))
        for i, which in enumerate(self.columns):
            selected = (column == i).nonzero()[:, 0]
            condition[selected, self.starts[i] + self.schema.option(which, values[selected])] = 1
        return self.schema.encode(values), condition.to(values.device)


@dataclass(frozen=True, eq=False)
class TableConditions:
    """Conditions of generated rows: one option of one column, with the frequencies of the training data."""

    columns: tuple[tuple[float, ...], ...]
    """Shares of the options of each encoded column; empty for columns that are not used as conditions."""
    widths: tuple[int, ...]
    """Number of options of each encoded column."""

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """One-hot rows (n, options of all columns): a uniformly sampled column, and an option by its share."""
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
    """Indices (n,) of rows, with options sampled in proportion to log(1 + count); rows of an option follow in turn."""
    g = torch.Generator().manual_seed(derived_seed(CLASS, key))
    counts = option.bincount()
    drawn = torch.multinomial(counts.double().log1p(), len(option), replacement=True, generator=g)
    order = option.argsort(stable=True)
    turn = torch.empty_like(drawn)
    by_option = drawn.argsort(stable=True)
    before = drawn.bincount(minlength=len(counts)).cumsum(0) - drawn.bincount(minlength=len(counts))
    turn[by_option] = torch.arange(len(drawn)) - before[drawn[by_option]]
    return order[counts.cumsum(0)[drawn] - counts[drawn] + turn % counts[drawn]]
