"""What generators of tables have in common: they decide a row column by column.

A row is one one-hot a column, then a position in [−1, 1] for each column that has places (`sparring.data.table`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.networks.layers.discrete import fit_bias

SPREAD = 6.0
"""By how much e^± the spread of a position can differ from one that fills its place evenly."""
END = 1 - 1e-4
"""Of a place, for positions whose likelihood is asked for: the very end is infinitely far."""


@dataclass(frozen=True)
class DecidedRows:
    """n rows as a generator decided them, column by column."""

    choices: list[int]
    """Options that each column has."""
    options: list[Tensor]
    """Int64 (n,)."""
    parts: list[Tensor | None]
    """Of the rows as critics see them, (n, choices), if that is not the one-hot of the option."""
    positions: list[Tensor | None]
    """In [−1, 1], (n,), 0 outside places; None of a column that has none."""
    likely: Tensor
    """Log-probability of what was allowed, (n,), with what came before each column known."""

    @property
    def rows(self) -> Tensor:
        """(n, width)."""
        pairs = zip(self.options, self.parts, self.choices, strict=True)
        shown = [one_hot(option, k).to(self.likely) if part is None else part for option, part, k in pairs]
        return torch.cat([*shown, *(x[:, None] for x in self.positions if x is not None)], 1)


class RowGenerator(nn.Module):
    """z (n, z), noise from N(0, 1) after it, and the condition → rows (n, width).

    A position is 2Φ(μ + σε) − 1: evenly spread at μ = 0, σ = 1; it counts only where one of its column's places was
    chosen.

    Args:
        choices: options of each column.
        places: how many of them, the first, have positions.
    """

    conditional = True

    def __init__(self, choices: Sequence[int], places: Sequence[int], z: int):
        super().__init__()
        self.choices, self.places, self.z = list(choices), list(places), z

    @property
    def outputs(self) -> list[int]:
        """Numbers a column is decided by: logits, then μ and log σ if it has places."""
        return [choices + 2 * (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]

    @property
    def draws(self) -> list[int]:
        """Numbers of noise that each column's choice takes."""
        return [1] * len(self.choices)

    @property
    def chance(self) -> int:
        """Numbers of noise behind z: those of choices, then one for each position."""
        return sum(self.draws) + sum(places > 0 for places in self.places)

    def begin(self, z: Tensor) -> Any:
        """The state before the first column; z includes the condition."""
        raise NotImplementedError

    def output(self, known: Any, j: int) -> Tensor:
        """What column j is decided by, (n, outputs[j])."""
        raise NotImplementedError

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        """A column's options, int64 (n,), and in training its part of the rows, (n, choices); of noise (n, draws)."""
        raise NotImplementedError

    def after(self, known: Any, j: int, option: Tensor, part: Tensor | None, position: Tensor | None) -> Any:
        """What is known once column j is decided: what `choose` told, and the position in [−1, 1], (n,), if it has
        places."""
        return known

    def bias(self, j: int) -> Tensor:
        """Of the logits of column j, (choices[j],): a view of the weights."""
        raise NotImplementedError

    def forward(self, z: Tensor, *condition: Tensor) -> Tensor:
        return self.decided(z, *condition).rows

    @torch.no_grad()
    def settle(self, shares: Sequence[Tensor], z: Tensor, *condition: Tensor) -> None:
        """Moves the biases so that over these rows the options of each column, (options,), are as likely as that."""
        self.decided(z, *condition, shares=shares)

    def decided(
        self,
        z: Tensor,
        *condition: Tensor,
        allowed: Sequence[Tensor | None] | None = None,
        shares: Sequence[Tensor] | None = None,
    ) -> DecidedRows:
        """Rows, column by column; what comes before a column is known to it.

        Args:
            allowed: of each column, the share of its options that will do, (options,); None for all.
            shares: of each column's options, as they shall be: `settle`.
        """
        z, noise = z[:, : self.z], z[:, self.z :].float()
        draws = noise[:, : sum(self.draws)].split(self.draws, 1)
        rest = iter(noise[:, sum(self.draws) :].unbind(1))
        known, likely = self.begin(torch.cat([z, *condition], 1)), torch.zeros(len(z), device=z.device)
        options, parts, positions = [], [], []
        for j, (choices, places, draw) in enumerate(zip(self.choices, self.places, draws, strict=True)):
            told = self.output(known, j).float()
            logits = told[:, :choices]
            if shares is not None:
                moved = fit_bias(logits, shares[j])
                self.bias(j).add_(moved)
                logits = logits + moved
            if allowed is not None and (will_do := allowed[j]) is not None:
                weights = will_do.log().to(logits)
                likely = likely + (logits.log_softmax(1) + weights).logsumexp(1)
                logits = logits + weights
            option, part = self.choose(logits, draw)
            position = self.placed(told[:, choices:], next(rest)) * (option < places) if places else None
            options.append(option)
            parts.append(part)
            positions.append(position)
            known = self.after(known, j, option, part, position)
        return DecidedRows(self.choices, options, parts, positions, likely)

    def surprise(self, rows: Tensor, z: Tensor, *condition: Tensor) -> Tensor:
        """−log p of rows (n, width), (n,): of each column's option and position, with the columns before known as the
        row has them, and latents that know nothing of it."""
        *shown, positions = rows.split([*self.choices, rows.shape[1] - sum(self.choices)], 1)
        of_places, known = iter(positions.unbind(1)), self.begin(torch.cat([z[:, : self.z], *condition], 1))
        total = torch.zeros(len(z), device=z.device)
        for j, (part, places) in enumerate(zip(shown, self.places, strict=True)):
            told, option = self.output(known, j).float(), part.max(1).indices
            total = total - told[:, : self.choices[j]].log_softmax(1).gather(1, option[:, None])[:, 0]
            position = next(of_places) if places else None
            if position is not None:
                total = total + (option < places) * self._far(told[:, self.choices[j] :], position)
            known = self.after(known, j, option, None, position)
        return total

    def _far(self, told: Tensor, position: Tensor) -> Tensor:
        """−log p of a position (n,) but for a constant, where it is normal; of its μ and log σ (n, 2)."""
        mu, log_sigma = told.unbind(1)
        log_sigma = log_sigma.clamp(-SPREAD, SPREAD)
        x = 2**0.5 * torch.special.erfinv(position.clamp(-END, END))
        return log_sigma + ((x - mu) * (-log_sigma).exp()).square() / 2

    def placed(self, told: Tensor, noise: Tensor) -> Tensor:
        """A position (n,), of its μ and log σ (n, 2)."""
        mu, log_sigma = told.unbind(1)
        spread = log_sigma.clamp(-SPREAD, SPREAD).exp()
        return 2 * torch.special.ndtr(mu + spread * noise) - 1
