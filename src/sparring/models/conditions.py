"""What a model can be conditioned on: classes, attributes, or the options of a table's columns."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.dataset import standardise
from sparring.errors import UserError, lookup

STORED = 1_000
"""Attribute vectors of training examples stored with a model, to draw from."""


@dataclass(frozen=True)
class ClassLabels:
    names: tuple[str, ...]
    shares: tuple[float, ...]
    """Of the classes in the training data."""

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """Classes, int64 (n,): all of `label`, or as often as in training. Raises UserError for an unknown class."""
        if label is None:
            return torch.multinomial(torch.tensor(self.shares), n, replacement=True, generator=g)
        return torch.full((n,), lookup(_numbered(self.names), "class", label))


@dataclass(frozen=True, eq=False)
class Attributes:
    names: tuple[str, ...]
    scales: tuple[tuple[float, float], ...]
    """Mean and standard deviation of each."""
    rows: Tensor
    """Attributes of training examples, float32 (m, k), not standardised."""

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """Attributes of training examples, standardised, float32 (n, k); `label`, such as "smile=1,age=0.3", replaces
        some of them. Raises UserError for a label that can't be parsed."""
        rows = self.rows[torch.randint(len(self.rows), (n,), generator=g)].clone()
        for pair in label.split(",") if label else ():
            name, _, number = pair.partition("=")
            column = lookup(_numbered(self.names), "attribute", name.strip())
            try:
                rows[:, column] = float(number)
            except ValueError:
                raise UserError(f"'{pair}' has no number: write labels like {self.names[0]}=1") from None
        return standardise(rows, self.scales)


@dataclass(frozen=True, eq=False)
class TableConditions:
    """One option of one column for each row, as often as the training data has it."""

    names = ()
    columns: tuple[tuple[float, ...], ...]
    """Shares of the options of each column the network sees; empty for columns that are no condition."""
    widths: tuple[int, ...]
    """Numbers of options of each column the network sees."""

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


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}


Conditioning = ClassLabels | Attributes | TableConditions
