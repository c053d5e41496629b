"""Networks of tables: generators that decide a row column by column, and their critics.

A row is one one-hot a column, then a position in [−1, 1] for each column that has places (`sparring.data.tables`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparring.networks.layers import LayeredCritic

SPREAD = 6.0
"""By how much e^± the spread of a position can differ from one that fills its place evenly."""


def gumbel(normal: Tensor) -> Tensor:
    """Noise from the standard Gumbel distribution, of noise from N(0, 1): −log(−log Φ(x)), finite in float32."""
    return -(-torch.special.ndtr(normal).clamp(1e-30, 1 - 6e-8).log()).log()


class RowGenerator(nn.Module):
    """z (n, z), noise like a row behind it, and what is given → rows (n, width).

    A choice is drawn by the Gumbel-max trick; it is passed on hard, with the gradient of the soft one at temperature τ
    (straight-through: Jang et al. 2017, arXiv:1611.01144, section 2.2), or soft. A position is 2Φ(μ + σε) − 1: evenly
    spread at μ = 0, σ = 1; it counts only where one of its column's places was chosen.

    Args:
        choices: options of each column.
        places: how many of them, the first, have positions.
        hard: pass choices on hard in training too; otherwise only in use.
    """

    conditional = True

    def __init__(self, choices: Sequence[int], places: Sequence[int], z: int, tau: float, hard: bool):
        super().__init__()
        self.choices, self.places, self.z, self.tau, self.hard = list(choices), list(places), z, tau, hard

    @property
    def outputs(self) -> list[int]:
        """Numbers a column is decided by: logits, then μ and log σ if it has places."""
        return [choices + 2 * (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]

    def begin(self, z: Tensor) -> Any:
        """What is known before the first column is decided; z has behind it what is given."""
        raise NotImplementedError

    def output(self, known: Any, j: int) -> Tensor:
        """What column j is decided by, (n, outputs[j])."""
        raise NotImplementedError

    def after(self, known: Any, j: int, decided: Tensor) -> Any:
        """What is known once column j is decided."""
        return known

    def forward(self, z: Tensor, *given: Tensor) -> Tensor:
        return self.decided(z, *given)[0]

    def decided(
        self, z: Tensor, *given: Tensor, allowed: Sequence[Tensor | None] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Rows, and the log-probability of what was allowed, (n,), with what came before each column known.

        Args:
            allowed: of each column, which options will do, bool (options,); None for all.
        """
        z, noise = z[:, : self.z], z[:, self.z :].float()
        draws = gumbel(noise[:, : sum(self.choices)]).split(self.choices, 1)
        rest = iter(noise[:, sum(self.choices) :].unbind(1))
        known, likely = self.begin(torch.cat([z, *given], 1)), torch.zeros(len(z), device=z.device)
        rows, positions = [], []
        for j, (choices, places, draw) in enumerate(zip(self.choices, self.places, draws, strict=True)):
            told = self.output(known, j).float()
            logits = told[:, :choices]
            if allowed is not None and (mask := allowed[j]) is not None:
                likely = likely + logits.log_softmax(1)[:, mask].logsumexp(1)
                logits = logits.masked_fill(~mask, -torch.inf)
            row, hard = self._chosen(logits + draw)
            rows.append(row)
            if places:
                mu, log_sigma = told[:, choices:].unbind(1)
                spread = log_sigma.clamp(-SPREAD, SPREAD).exp()
                place = 2 * torch.special.ndtr(mu + spread * next(rest)) - 1
                positions.append(place * hard[:, :places].sum(1))
                row = torch.cat([row, positions[-1][:, None]], 1)
            known = self.after(known, j, row)
        return torch.cat([*rows, *(position[:, None] for position in positions)], 1), likely

    def _chosen(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        hard = torch.zeros_like(scores).scatter_(1, scores.max(1, keepdim=True).indices, 1.0)
        if not self.training:
            return hard, hard
        soft = (scores / self.tau).softmax(1)
        return (hard + soft - soft.detach() if self.hard else soft), hard


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
        tau: float = 0.7,
    ):
        super().__init__(choices, places, z, tau, hard=True)
        self.trunk = nn.Sequential(nn.Linear(z + classes, width), *(Block(width) for _ in range(blocks)))
        self.heads = nn.ModuleList([_head(width, head, outputs) for outputs in self.outputs])
        shown = [choices + (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]
        self.known = nn.ModuleList([nn.Linear(size, width, bias=False) for size in shown[:-1]])

    def begin(self, z: Tensor) -> Tensor:
        return self.trunk(z)

    def output(self, known: Tensor, j: int) -> Tensor:
        return self.heads[j](known)

    def after(self, known: Tensor, j: int, decided: Tensor) -> Tensor:
        return known + self.known[j](decided) if j < len(self.known) else known


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
        super().__init__(choices, places, z, tau, hard=False)
        wide = z + classes
        layers = [Concatenated(wide + i * width, width) for i in range(blocks)]
        self.net = nn.Sequential(*layers, nn.Linear(wide + blocks * width, sum(self.outputs)))

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
