"""Networks of tables: generators that decide a row column by column (`sparring.networks.rows`), and their critics."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.discrete import gumbel, reinmax, sample_categorical
from sparring.networks.layers.dropout import Dropout
from sparring.networks.rows import RowGenerator


class TableBlock(nn.Module):
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
        self.trunk = nn.Sequential(nn.Linear(z + classes, width), *(TableBlock(width) for _ in range(blocks)))
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
        option = sample_categorical(logits.detach().softmax(1), noise[:, 0])
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
        layers = [nn.Linear(shape[0], width), *(TableBlock(width) for _ in range(blocks)), nn.LeakyReLU(0.2)]
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
            layers += [nn.Linear(i, o), nn.LeakyReLU(0.2), Dropout(dropout)]
        super().__init__(*layers, nn.Linear(widths[-1], 1, bias=False))
