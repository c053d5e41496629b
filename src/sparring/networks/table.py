"""Networks of tables: generators that decide a row column by column, and their critics.

A row is one one-hot a column, then a position in [−1, 1] for each column that has places (`sparring.data.tables`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.networks.choices import gumbel, inverted, reinmax, tilt
from sparring.networks.layers import LayeredCritic

SPREAD = 6.0
"""By how much e^± the spread of a position can differ from one that fills its place evenly."""


@dataclass(frozen=True)
class Decided:
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
    """z (n, z), noise from N(0, 1) behind it, and what is given → rows (n, width).

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
        """What is known before the first column is decided; z has behind it what is given."""
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

    def forward(self, z: Tensor, *given: Tensor) -> Tensor:
        return self.decided(z, *given).rows

    @torch.no_grad()
    def settle(self, shares: Sequence[Tensor], z: Tensor, *given: Tensor) -> None:
        """Moves the biases so that over these rows the options of each column, (options,), are as likely as that."""
        self.decided(z, *given, shares=shares)

    def decided(
        self,
        z: Tensor,
        *given: Tensor,
        allowed: Sequence[Tensor | None] | None = None,
        shares: Sequence[Tensor] | None = None,
    ) -> Decided:
        """Rows, column by column; what comes before a column is known to it.

        Args:
            allowed: of each column, the share of its options that will do, (options,); None for all.
            shares: of each column's options, as they shall be: `settle`.
        """
        z, noise = z[:, : self.z], z[:, self.z :].float()
        draws = noise[:, : sum(self.draws)].split(self.draws, 1)
        rest = iter(noise[:, sum(self.draws) :].unbind(1))
        known, likely = self.begin(torch.cat([z, *given], 1)), torch.zeros(len(z), device=z.device)
        options, parts, positions = [], [], []
        for j, (choices, places, draw) in enumerate(zip(self.choices, self.places, draws, strict=True)):
            told = self.output(known, j).float()
            logits = told[:, :choices]
            if shares is not None:
                moved = tilt(logits, shares[j])
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
        return Decided(self.choices, options, parts, positions, likely)

    def placed(self, told: Tensor, noise: Tensor) -> Tensor:
        """A position (n,), of its μ and log σ (n, 2)."""
        mu, log_sigma = told.unbind(1)
        spread = log_sigma.clamp(-SPREAD, SPREAD).exp()
        return 2 * torch.special.ndtr(mu + spread * noise) - 1


class Block(nn.Module):
    """h + ½ W₂ a(W₁ a(h)), a LeakyReLU(.2): He et al. 2016 (arXiv:1603.05027), without norms."""

    def __init__(self, width: int):
        super().__init__()
        layers = [nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, width)]
        self.layers = nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.layers(h) / 2


class TableGenerator(RowGenerator):
    """A residual perceptron; each column is decided by a head of its own, which knows the columns before."""

    def __init__(
        self,
        shape: Sequence[int],
        choices: Sequence[int],
        places: Sequence[int],
        z: int = 64,
        classes: int = 0,
        width: int = 256,
        blocks: int = 2,
        head: int = 64,
        tau: float = 1.0,
    ):
        super().__init__(choices, places, z)
        self.tau = tau
        self.trunk = nn.Sequential(nn.Linear(z + classes, width), *(Block(width) for _ in range(blocks)))
        self.heads = nn.ModuleList([_head(width, head, outputs) for outputs in self.outputs])
        shown = [choices + (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]
        bounds = [(size, size**-0.5) for size in shown[:-1]]
        self.known = nn.ParameterList([torch.empty(size, width).uniform_(-b, b) for size, b in bounds])

    def begin(self, z: Tensor) -> Tensor:
        return self.trunk(z)

    def output(self, known: Tensor, j: int) -> Tensor:
        return self.heads[j](known)

    def bias(self, j: int) -> Tensor:
        return self.heads[j][-1].bias[: self.choices[j]]  # pyright: ignore

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        option = inverted(logits.detach().softmax(1), noise[:, 0])
        return option, reinmax(logits, option, self.tau) if self.training else None

    def after(self, known: Tensor, j: int, option: Tensor, part: Tensor | None, position: Tensor | None) -> Tensor:
        if j == len(self.known):
            return known
        options, places = self.known[j].split([self.choices[j], len(self.known[j]) - self.choices[j]])
        told = options.index_select(0, option) if part is None else part @ options
        told += known
        return told if position is None else told.addcmul_(position[:, None], places)


def _head(width: int, head: int, outputs: int) -> nn.Module:
    last = nn.Linear(head, outputs)
    with torch.no_grad():
        last.weight *= 0.3  # chance decides at first
        last.bias.zero_()
    return nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(width, head), nn.LeakyReLU(0.2), last)


class TableCritic(LayeredCritic):
    """Rows (n, width) → logits (n, 1): a residual perceptron without norms; pairs would cancel a last bias."""

    def __init__(
        self,
        shape: Sequence[int],
        choices: Sequence[int] = (),
        places: Sequence[int] = (),
        width: int = 256,
        blocks: int = 2,
    ):
        layers = [nn.Linear(shape[0], width), *(Block(width) for _ in range(blocks)), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Linear(width, 1, bias=False))


class Concatenated(nn.Module):
    """[ReLU(norm(W h)), h]: the residual block of Xu et al. 2019 (arXiv:1907.00503), section 4.4."""

    def __init__(self, i: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(i, width), nn.BatchNorm1d(width), nn.ReLU())

    def forward(self, h: Tensor) -> Tensor:
        return torch.cat([self.layers(h), h], 1)


class CTGANGenerator(RowGenerator):
    """Residual blocks that put their output before their input, batch norm; all columns are decided at once, softly in
    training. Xu et al. 2019, section 4.4."""

    def __init__(
        self,
        shape: Sequence[int],
        choices: Sequence[int],
        places: Sequence[int],
        z: int = 128,
        classes: int = 0,
        width: int = 256,
        blocks: int = 2,
        tau: float = 0.2,
    ):
        super().__init__(choices, places, z)
        self.tau = tau
        wide = z + classes
        layers = [Concatenated(wide + i * width, width) for i in range(blocks)]
        self.net = nn.Sequential(*layers, nn.Linear(wide + blocks * width, sum(self.outputs)))

    @property
    def draws(self) -> list[int]:
        return self.choices

    def bias(self, j: int) -> Tensor:
        start = sum(self.outputs[:j])
        return self.net[-1].bias[start : start + self.choices[j]]  # pyright: ignore

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        scores = logits + gumbel(noise)
        return scores.max(1).indices, (scores / self.tau).softmax(1) if self.training else None

    def begin(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.net(z).split(self.outputs, 1)

    def output(self, known: tuple[Tensor, ...], j: int) -> Tensor:
        return known[j]


class CTGANCritic(LayeredCritic):
    """Rows of a pack (n, pack, width) in one → logits (n, 1): LeakyReLU(.2), dropout. Xu et al. 2019, section 4.4."""

    def __init__(
        self,
        shape: Sequence[int],
        choices: Sequence[int] = (),
        places: Sequence[int] = (),
        widths: Sequence[int] = (256, 256),
        dropout: float = 0.5,
    ):
        layers: list[nn.Module] = [nn.Flatten()]
        for i, o in zip([shape[0], *widths], widths, strict=False):
            layers += [nn.Linear(i, o), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        super().__init__(*layers, nn.Linear(widths[-1], 1, bias=False))
