"""What a conditional model can be asked for: classes, or values of attributes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.data.dataset import standardise
from sparring.errors import UserError, lookup

KEPT = 1_000
"""Attribute vectors of training examples that a model keeps, to draw from."""


@dataclass(frozen=True)
class ClassLabels:
    names: tuple[str, ...]
    shares: tuple[float, ...]
    """Of the classes in the training data."""

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """Classes, int64 (n,): all this one, or as often as in training. Raises UserError for one not there."""
        if label is None:
            return torch.multinomial(torch.tensor(self.shares), n, replacement=True, generator=g)
        return torch.full((n,), lookup(_numbered(self.names), "class", label))


@dataclass(frozen=True, eq=False)
class Attributes:
    names: tuple[str, ...]
    scales: tuple[tuple[float, float], ...]
    """Mean and deviation of each."""
    rows: Tensor
    """Of training examples, float32 (m, k), as the data has them."""

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """Attributes of training examples, standardised, float32 (n, k); those that `label` names, such as
        "smile=1,age=0.3", as it says. Raises UserError for a label that is not understood."""
        rows = self.rows[torch.randint(len(self.rows), (n,), generator=g)].clone()
        for pair in label.split(",") if label else ():
            name, _, number = pair.partition("=")
            column = lookup(_numbered(self.names), "attribute", name.strip())
            try:
                rows[:, column] = float(number)
            except ValueError:
                raise UserError(f"'{pair}' gives no number: write labels like {self.names[0]}=1") from None
        return standardise(rows, self.scales)


@dataclass(frozen=True, eq=False)
class TableConditions:
    """Options of a table's columns, as rows are given one each: as often as the training data has them."""

    names = ()
    columns: tuple[tuple[float, ...], ...]
    """Shares of the options of each learnt column; empty for those that are never given."""
    widths: tuple[int, ...]
    """Options of each learnt column."""

    def draw(self, n: int, label: str | None, g: torch.Generator) -> Tensor:
        """One-hot rows (n, options of all columns): a column in turn, an option by its true share."""
        if label is not None:
            raise UserError("rows of a table are asked for by values: --where COLUMN=VALUE")
        given, start = torch.zeros(n, sum(self.widths)), 0
        can = [k for k, shares in enumerate(self.columns) if shares]
        turn = torch.randint(len(can), (n,), generator=g)
        for k, (shares, width) in enumerate(zip(self.columns, self.widths, strict=True)):
            if shares:
                mine = (turn == can.index(k)).nonzero()[:, 0]
                drawn = torch.multinomial(torch.tensor(shares), len(mine) + 1, replacement=True, generator=g)[:-1]
                given[mine, start + drawn] = 1
            start += width
        return given


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}


Conditioning = ClassLabels | Attributes | TableConditions
