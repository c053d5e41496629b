"""The kinds of columns. Each goes between a column's *cells*, float64 (n,) with NaN where a value is missing, and what
a generator decides: one of the column's options, and for the first few of them, the *places*, a position in [−1, 1].

A number is one of its spikes (values that occur often, learnt one by one) or lies in one of its bins, which hold equal
shares of what is left; so heavy tails, spikes and several modes need no shape of their own. It is the piecewise-linear
encoding of Gorishniy et al. 2022 (arXiv:2203.05556), section 3.1, made sharp, in the place of the mixture of Gaussians
of Xu et al. 2019 (arXiv:1907.00503), section 4.2. A category is one of those that are learnt, or stands at its place
among the rare rest. Missing is an option of its own, the last.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

FORBID_UNKNOWN = {"extra": "forbid"}
"""To pydantic: a file that says what the library does not know is refused."""

_POINT_SHARE = 1e-12
"""The share of a bin that a single value takes, where values are not rounded."""

Value = str | int | float | bool
"""What JSON can hold of a category."""


@dataclass(frozen=True)
class Number:
    """Numbers, dates, times. Cells are (value − origin) / unit of whole values, other values as they are."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    edges: tuple[float, ...]
    """Of the bins, rising; empty if all values are spikes."""
    spikes: tuple[float, ...]
    """Rising."""
    missing: float = 0.0
    """The share of rows without a value."""
    decimals: int | None = None
    """Places behind the point that values are rounded to; None: not at all."""
    origin: int = 0
    unit: int = 1
    whole: bool = False
    low: float = -float("inf")
    high: float = float("inf")
    """What samples are held within; the bounds of the data, unless the user says otherwise."""
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
        """Options int64 (n,), positions float64 (n,)."""
        edges, spikes = self._tensors
        gone = cells.isnan()
        option = torch.full(cells.shape, self.options - 1)
        position = torch.zeros_like(cells)
        if self.places:
            bin = (torch.bucketize(cells, edges, right=True) - 1).clamp(0, self.places - 1)
            low, high = edges[bin], edges[bin + 1]
            position = (2 * (cells - low) / (high - low) - 1).clamp(-1, 1)
            option = torch.where(gone, option, bin)
        if len(spikes):
            near = torch.bucketize(cells, spikes).clamp(max=len(spikes) - 1)
            is_spike = (spikes[near] == cells) | ((self.places == 0) & ~gone)
            option = torch.where(is_spike, self.places + near, option)
            position = position.masked_fill(is_spike, 0.0)
        return option, position.masked_fill(gone, 0.0)

    def decode(self, option: Tensor, position: Tensor) -> Tensor:
        """The cells."""
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
        """To the decimals, within the bounds."""
        if self.whole:
            cells = cells.round()
        elif self.decimals is not None:
            cells = cells.round(decimals=self.decimals)
        return cells.clamp(self.low, self.high)

    def interval_positions(self, low: float, high: float) -> Tensor:
        """Where in each bin the cells are that are rounded to one in [low, high]: positions from, to, (places, 2)."""
        edges, _ = self._tensors
        half = 0.5 if self.whole else 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        ends = torch.tensor([low - half, high + half], dtype=torch.float64)
        return (2 * (ends - edges[:-1, None]) / edges.diff()[:, None] - 1).clamp(-1, 1)

    def match_shares(self, low: float, high: float) -> Tensor:
        """The share of each option that is in [low, high], float64 (options,): of a bin as if it were evenly filled,
        and of one that is only touched next to nothing."""
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
    """Cells are indices into the values."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    values: tuple[Value, ...]
    """Most frequent first."""
    counts: tuple[int, ...]
    learnt: int
    """So many of them have an option of their own; the others share a place."""
    missing: float = 0.0
    order: tuple[Value, ...] = ()
    """In which the data's type lists them, with those that are not there; empty if it lists none."""
    kind: Literal["category"] = "category"

    @property
    def places(self) -> int:
        return int(self.learnt < len(self.values))

    @property
    def options(self) -> int:
        return self.places + self.learnt + (self.missing > 0)

    @cached_property
    def _ends(self) -> Tensor:
        """Of the rare ones' parts of [0, 1], each as wide as it is frequent."""
        counts = torch.tensor((0, *self.counts[self.learnt :]), dtype=torch.float64)
        return counts.cumsum(0) / counts.sum()

    def encode(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        gone = cells.isnan()
        index = cells.nan_to_num().long()
        position = torch.zeros_like(cells)
        option = index + self.places
        if self.places:
            rare = index >= self.learnt
            position = torch.where(rare & ~gone, self.centre_position(index.clamp(min=self.learnt)), position)
            option = option.masked_fill(rare, 0)
        return option.masked_fill(gone, self.options - 1), position

    def decode(self, option: Tensor, position: Tensor) -> Tensor:
        index = option - self.places
        if self.places:
            rare = torch.bucketize((position.double() + 1) / 2, self._ends, right=True) - 1
            rare = self.learnt + rare.clamp(0, len(self.values) - self.learnt - 1)
            index = torch.where(option == 0, rare, index)
        gone = option == self.options - 1 if self.missing else torch.zeros_like(option, dtype=torch.bool)
        return index.double().masked_fill(gone, torch.nan)

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the options."""
        present = 1 - self.missing
        each = [present * count / sum(self.counts) for count in self.counts]
        rest = [sum(each[self.learnt :])] if self.places else []
        return (*rest, *each[: self.learnt], *([self.missing] if self.missing else []))

    @cached_property
    def index(self) -> dict[Value, int]:
        return {value: i for i, value in enumerate(self.values)}

    def centre_position(self, index: Tensor) -> Tensor:
        """The position of rare values, of their parts of [−1, 1]."""
        i = index - self.learnt
        return self._ends[i] + self._ends[i + 1] - 1

    def match_shares(self, index: int | None) -> Tensor:
        """The share of each option that is of the value of this index, or of no value (None), float64 (options,)."""
        shares = torch.zeros(self.options, dtype=torch.float64)
        if index is not None and index >= self.learnt:
            shares[0] = self.counts[index] / sum(self.counts[self.learnt :])
        else:
            shares[self.options - 1 if index is None else self.places + index] = 1
        return shares


@dataclass(frozen=True)
class Identifier:
    """Values that only tell rows apart. They are made anew, numbered, and none of them is in the data."""

    __pydantic_config__ = FORBID_UNKNOWN

    name: str
    prefix: str
    """Of texts."""
    first: int
    """Number."""
    digits: int = 0
    """Texts are filled up with zeros to so many."""
    kind: Literal["identifier"] = "identifier"
    options = 0
    places = 0
    missing = 0.0


@dataclass(frozen=True)
class Follower:
    """A column that another one tells: every value of the leader always comes with the same value here."""

    __pydantic_config__ = FORBID_UNKNOWN

    column: Number | Category
    leader: str
    """A category."""
    table: tuple[float | None, ...]
    """Cells by the leader's index; the last is for a leader that is missing."""
    kind: Literal["follower"] = "follower"
    options = 0
    places = 0

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def missing(self) -> float:
        return self.column.missing

    @cached_property
    def _cells(self) -> Tensor:
        return torch.tensor([torch.nan if cell is None else cell for cell in self.table], dtype=torch.float64)

    def follow(self, leader: Tensor) -> Tensor:
        """Cells, from the leader's."""
        return self._cells[leader.nan_to_num(len(self.table) - 1).long()]


Column = Number | Category | Identifier | Follower


def with_bounds(column: Number, low: float | None, high: float | None) -> Number:
    """With these bounds, in cells, in the place of the data's."""
    return replace(column, low=column.low if low is None else low, high=column.high if high is None else high)
