"""Column types and their encodings for networks.

A column's *cells* are float64 (n,), NaN if missing. A network chooses one *option* of the column and, for the first
`places` options, a *position* in [−1, 1].

Number: an option per frequent value (spike) and per quantile bin of the remaining values, with the position inside the
bin. This is the piecewise-linear encoding of Gorishniy et al. 2022 (arXiv:2203.05556), section 3.1, as a one-hot,
instead of the Gaussian mixture of Xu et al. 2019 (arXiv:1907.00503), section 4.2; it handles heavy tails and several
modes alike. Category: an option per frequent category; rare ones share option 0 and are told apart by position. The
last option is missing.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

FORBID_UNKNOWN = {"extra": "forbid"}
"""pydantic configuration: reject unknown fields."""

_POINT_SHARE = 1e-12
"""Share of a bin assigned to a single point of a continuous column."""

Value = str | int | float | bool
"""JSON value of a category."""


@dataclass(frozen=True)
class Number:
    """Numbers, dates, times. Cells are (value − origin) / unit for integers, the values themselves for floats."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    edges: tuple[float, ...]
    """Bin edges, ascending; empty if all values are spikes."""
    spikes: tuple[float, ...]
    """Frequent values, ascending."""
    missing: float = 0.0
    """Share of missing values."""
    decimals: int | None = None
    """Decimals that values are rounded to; None: not rounded."""
    origin: int = 0
    unit: int = 1
    whole: bool = False
    low: float = -float("inf")
    high: float = float("inf")
    """Bounds that samples are clamped to; by default those of the data."""
    kind: Literal["number"] = "number"

    @property
    def places(self) -> int:
        return max(len(self.edges) - 1, 0)

    @property
    def options(self) -> int:
        return self.places + len(self.spikes) + (self.missing > 0)

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        return torch.tensor(self.edges, dtype=torch.float64), torch.tensor(self.spikes, dtype=torch.float64)

    def encode(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Cells (n,) → options int64 (n,), positions float64 (n,)."""
        edges, spikes = self._tensors
        missing = cells.isnan()
        option = torch.full(cells.shape, self.options - 1)
        position = torch.zeros_like(cells)
        if self.places:
            bin = (torch.bucketize(cells, edges, right=True) - 1).clamp(0, self.places - 1)
            low, high = edges[bin], edges[bin + 1]
            position = (2 * (cells - low) / (high - low) - 1).clamp(-1, 1)
            option = torch.where(missing, option, bin)
        if len(spikes):
            near = torch.bucketize(cells, spikes).clamp(max=len(spikes) - 1)
            is_spike = (spikes[near] == cells) | ((self.places == 0) & ~missing)
            option = torch.where(is_spike, self.places + near, option)
            position = position.masked_fill(is_spike, 0.0)
        return option, position.masked_fill(missing, 0.0)

    def decode(self, option: Tensor, position: Tensor) -> Tensor:
        """Options and positions (n,) → cells float64 (n,)."""
        edges, spikes = self._tensors
        cells = torch.full(option.shape, torch.nan, dtype=torch.float64)
        if self.places:
            bin = option.clamp(max=self.places - 1)
            inside = edges[bin] + (position.double() + 1) / 2 * (edges[bin + 1] - edges[bin])
            cells = torch.where(option < self.places, inside, cells)
        if len(spikes):
            spike = option - self.places
            found = (spike >= 0) & (spike < len(spikes))
            cells = torch.where(found, spikes[spike.clamp(0, len(spikes) - 1)], cells)
        return self.rounded(cells)

    def rounded(self, cells: Tensor) -> Tensor:
        """Rounds cells to the column's decimals and clamps them to its bounds."""
        if self.whole:
            cells = cells.round()
        elif self.decimals is not None:
            cells = cells.round(decimals=self.decimals)
        return cells.clamp(self.low, self.high)

    def interval_positions(self, low: float, high: float) -> Tensor:
        """Start and end position in each bin of cells that round into [low, high], (places, 2)."""
        edges, _ = self._tensors
        half = 0.5 if self.whole else 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        ends = torch.tensor([low - half, high + half], dtype=torch.float64)
        return (2 * (ends - edges[:-1, None]) / edges.diff()[:, None] - 1).clamp(-1, 1)

    def match_shares(self, low: float, high: float) -> Tensor:
        """Share of each option inside [low, high], float64 (options,); bins are taken as uniform."""
        edges, spikes = self._tensors
        shares = torch.zeros(self.options, dtype=torch.float64)
        if self.places:
            part = self.interval_positions(low, high)
            touched = ((edges[:-1] <= high) & (edges[1:] >= low)) | (part[:, 1] > part[:, 0])
            shares[: self.places] = (part.diff(dim=1)[:, 0] / 2).clamp(min=_POINT_SHARE) * touched
        shares[self.places : self.places + len(spikes)] = ((spikes >= low) & (spikes <= high)).double()
        return shares


@dataclass(frozen=True)
class Category:
    """Categories. Cells are indices into `values`."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    values: tuple[Value, ...]
    """Most frequent first."""
    counts: tuple[int, ...]
    learnt: int
    """Number of values with an option of their own; the others share option 0."""
    missing: float = 0.0
    order: tuple[Value, ...] = ()
    """Categories in the order of the data's type, including unused ones; empty if the type has none."""
    kind: Literal["category"] = "category"

    @property
    def places(self) -> int:
        return int(self.learnt < len(self.values))

    @property
    def options(self) -> int:
        return self.places + self.learnt + (self.missing > 0)

    @cached_property
    def _ends(self) -> Tensor:
        """Boundaries of the rare values' intervals in [0, 1], proportional to their counts."""
        counts = torch.tensor((0, *self.counts[self.learnt :]), dtype=torch.float64)
        return counts.cumsum(0) / counts.sum()

    def encode(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        missing = cells.isnan()
        index = cells.nan_to_num().long()
        position = torch.zeros_like(cells)
        option = index + self.places
        if self.places:
            rare = index >= self.learnt
            position = torch.where(rare & ~missing, self.centre_position(index.clamp(min=self.learnt)), position)
            option = option.masked_fill(rare, 0)
        return option.masked_fill(missing, self.options - 1), position

    def decode(self, option: Tensor, position: Tensor) -> Tensor:
        index = option - self.places
        if self.places:
            rare = torch.bucketize((position.double() + 1) / 2, self._ends, right=True) - 1
            rare = self.learnt + rare.clamp(0, len(self.values) - self.learnt - 1)
            index = torch.where(option == 0, rare, index)
        missing = option == self.options - 1 if self.missing else torch.zeros_like(option, dtype=torch.bool)
        return index.double().masked_fill(missing, torch.nan)

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each option in the data."""
        present = 1 - self.missing
        each = [present * count / sum(self.counts) for count in self.counts]
        rest = [sum(each[self.learnt :])] if self.places else []
        return (*rest, *each[: self.learnt], *([self.missing] if self.missing else []))

    @cached_property
    def index(self) -> dict[Value, int]:
        return {value: i for i, value in enumerate(self.values)}

    def centre_position(self, index: Tensor) -> Tensor:
        """Positions of rare values: the centres of their intervals in [−1, 1]."""
        i = index - self.learnt
        return self._ends[i] + self._ends[i + 1] - 1

    def match_shares(self, index: int | None) -> Tensor:
        """Share of each option with the value of this index, or missing (None), float64 (options,)."""
        shares = torch.zeros(self.options, dtype=torch.float64)
        if index is not None and index >= self.learnt:
            shares[0] = self.counts[index] / sum(self.counts[self.learnt :])
        else:
            shares[self.options - 1 if index is None else self.places + index] = 1
        return shares


@dataclass(frozen=True)
class Identifier:
    """Unique row identifiers. Samples get new numbers, none of which occurs in the data."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    prefix: str
    """Prefix of text identifiers."""
    first: int
    """First new number."""
    digits: int = 0
    """Minimum digits of text identifiers, padded with zeros."""
    kind: Literal["identifier"] = "identifier"
    options = 0
    places = 0
    missing = 0.0


@dataclass(frozen=True)
class Follower:
    """A column determined by another one: each value of the leader occurs with a single value of this column.

    The leader is a category, or a number of few values.
    """

    __pydantic_config__ = FORBID_UNKNOWN

    column: Number | Category
    leader: str
    """Name of the determining column."""
    table: tuple[float | None, ...]
    """Cell for each category or key of the leader; the last is for a missing leader."""
    kind: Literal["follower"] = "follower"
    keys: tuple[float, ...] = ()
    """Cells of a leading number, ascending; empty if the leader is a category."""
    options = 0
    places = 0

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def missing(self) -> float:
        return self.column.missing

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        cells = [torch.nan if cell is None else cell for cell in self.table]
        return torch.tensor(cells, dtype=torch.float64), torch.tensor(self.keys, dtype=torch.float64)

    def follow(self, leader: Tensor) -> Tensor:
        """Cells of this column from those of the leader."""
        cells, keys = self._tensors
        index = leader_index(leader, keys) if self.keys else leader.nan_to_num(len(cells) - 1).long()
        return cells[index]


def leader_index(leader: Tensor, keys: Tensor) -> Tensor:
    """Index of the key at or above each cell, int64 (n,); len(keys) for missing cells."""
    return torch.bucketize(leader.contiguous(), keys).clamp(max=len(keys) - 1).masked_fill(leader.isnan(), len(keys))


Column = Number | Category | Identifier | Follower


def with_bounds(column: Number, low: float | None, high: float | None) -> Number:
    """A copy with these bounds, in cells, where given."""
    return replace(column, low=column.low if low is None else low, high=column.high if high is None else high)
