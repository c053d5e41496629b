"""What a model can be conditioned on by labels: classes, or attributes."""

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


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}
