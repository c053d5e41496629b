"""Base class of generators that sample table rows column by column.

A row is a one-hot vector per column, then a position in [−1, 1] for each column that has places
(`sparring.data.table`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.networks.layers.discrete import fit_bias

MAX_LOG_SIGMA = 6.0
"""Bound on |log σ| of a position."""
END = 1 - 1e-4
"""Bound on the |position| whose likelihood is computed: the quantile of ±1 is infinite."""


@dataclass(frozen=True)
class GeneratedRows:
    """n generated rows, by column."""

    choices: list[int]
    """Number of options per column."""
    options: list[Tensor]
    """Sampled options, int64 (n,)."""
    parts: list[Tensor | None]
    """Differentiable options, (n, choices); None for the one-hot vectors."""
    positions: list[Tensor | None]
    """In [−1, 1], (n,), 0 for options without a place; None for a column without places."""
    log_allowed: Tensor
    """Log-probability of the allowed options, (n,): the sum over columns, each given the columns before it."""

    @property
    def rows(self) -> Tensor:
        """(n, width)."""
        pairs = zip(self.options, self.parts, self.choices, strict=True)
        parts = [one_hot(option, k).to(self.log_allowed) if part is None else part for option, part, k in pairs]
        return torch.cat([*parts, *(x[:, None] for x in self.positions if x is not None)], 1)


class RowGenerator(nn.Module):
    """[z (n, z), noise from N(0, 1) (n, noise_dims)] and the condition → rows (n, width).

    A position is 2Φ(μ + σε) − 1, uniform for μ = 0, σ = 1; it is 0 unless the sampled option has a place.

    Args:
        choices: number of options per column.
        places: number of options with a place per column; they are the first ones.
    """

    conditional = True

    def __init__(self, choices: Sequence[int], places: Sequence[int], z: int):
        super().__init__()
        self.choices, self.places, self.z = list(choices), list(places), z

    @property
    def outputs(self) -> list[int]:
        """Network outputs per column: logits, then μ and log σ if it has places."""
        return [choices + 2 * (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]

    @property
    def choice_noise(self) -> list[int]:
        """Noise dimensions per column for its option."""
        return [1] * len(self.choices)

    @property
    def noise_dims(self) -> int:
        """Noise dimensions after z: those of options, then one per position."""
        return sum(self.choice_noise) + sum(places > 0 for places in self.places)

    def begin(self, z: Tensor) -> Any:
        """The state before the first column, from z and the condition, concatenated."""
        raise NotImplementedError

    def output(self, state: Any, j: int) -> Tensor:
        """The network's outputs for column j, (n, outputs[j])."""
        raise NotImplementedError

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        """Samples options, int64 (n,), and in training their differentiable part of the rows, (n, choices)."""
        raise NotImplementedError

    def after(self, state: Any, j: int, option: Tensor, part: Tensor | None, position: Tensor | None) -> Any:
        """The state after column j, from the results of `choose` and the position (n,), if the column has places."""
        return state

    def bias(self, j: int) -> Tensor:
        """The bias of the logits of column j, (choices[j],): a view of the weights."""
        raise NotImplementedError

    def forward(self, z: Tensor, *condition: Tensor) -> Tensor:
        return self.generate(z, *condition).rows

    @torch.no_grad()
    def calibrate(self, shares: Sequence[Tensor], z: Tensor, *condition: Tensor) -> None:
        """Changes the biases so that the mean probabilities over these rows are `shares`, (options,) per column."""
        self.generate(z, *condition, shares=shares)

    def generate(
        self,
        z: Tensor,
        *condition: Tensor,
        allowed: Sequence[Tensor | None] | None = None,
        shares: Sequence[Tensor] | None = None,
    ) -> GeneratedRows:
        """Samples rows, each column given the ones before it.

        Args:
            allowed: weights in [0, 1] of the options per column, (options,); None for a column without a restriction.
            shares: see `calibrate`.
        """
        z, noise = z[:, : self.z], z[:, self.z :].float()
        choice_noise = noise[:, : sum(self.choice_noise)].split(self.choice_noise, 1)
        position_noise = iter(noise[:, sum(self.choice_noise) :].unbind(1))
        state, log_allowed = self.begin(torch.cat([z, *condition], 1)), torch.zeros(len(z), device=z.device)
        options, parts, positions = [], [], []
        for j, (choices, places) in enumerate(zip(self.choices, self.places, strict=True)):
            output = self.output(state, j).float()
            logits = output[:, :choices]
            if shares is not None:
                shift = fit_bias(logits, shares[j])
                self.bias(j).add_(shift)
                logits = logits + shift
            if allowed is not None and (weights := allowed[j]) is not None:
                log_weights = weights.log().to(logits)
                log_allowed = log_allowed + (logits.log_softmax(1) + log_weights).logsumexp(1)
                logits = logits + log_weights
            option, part = self.choose(logits, choice_noise[j])
            position = self._position(output[:, choices:], next(position_noise)) * (option < places) if places else None
            options.append(option)
            parts.append(part)
            positions.append(position)
            state = self.after(state, j, option, part, position)
        return GeneratedRows(self.choices, options, parts, positions, log_allowed)

    def nll(self, rows: Tensor, z: Tensor, *condition: Tensor) -> Tensor:
        """−log p of rows (n, width) up to a constant, (n,), given latents independent of them (teacher forcing)."""
        *parts, positions = rows.split([*self.choices, rows.shape[1] - sum(self.choices)], 1)
        position_of, state = iter(positions.unbind(1)), self.begin(torch.cat([z[:, : self.z], *condition], 1))
        total = torch.zeros(len(z), device=z.device)
        for j, (part, places) in enumerate(zip(parts, self.places, strict=True)):
            output, option = self.output(state, j).float(), part.max(1).indices
            total = total - output[:, : self.choices[j]].log_softmax(1).gather(1, option[:, None])[:, 0]
            position = next(position_of) if places else None
            if position is not None:
                total = total + (option < places) * self._position_nll(output[:, self.choices[j] :], position)
            state = self.after(state, j, option, None, position)
        return total

    def _position_nll(self, moments: Tensor, position: Tensor) -> Tensor:
        """−log p of the quantiles of positions (n,), up to a constant, from μ and log σ (n, 2)."""
        mu, log_sigma = moments.unbind(1)
        log_sigma = log_sigma.clamp(-MAX_LOG_SIGMA, MAX_LOG_SIGMA)
        x = 2**0.5 * torch.special.erfinv(position.clamp(-END, END))
        return log_sigma + ((x - mu) * (-log_sigma).exp()).square() / 2

    def _position(self, moments: Tensor, noise: Tensor) -> Tensor:
        """Positions (n,) from μ and log σ (n, 2)."""
        mu, log_sigma = moments.unbind(1)
        sigma = log_sigma.clamp(-MAX_LOG_SIGMA, MAX_LOG_SIGMA).exp()
        return 2 * torch.special.ndtr(mu + sigma * noise) - 1
