"""Generators and critics of table rows: residual MLPs and CTGAN's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import LayeredCritic, dense_layers
from sparring.networks.layers.discrete import gumbel, reinmax, sample_categorical
from sparring.networks.layers.sizes import Shape
from sparring.networks.rows import RowGenerator


class TableBlock(nn.Module):
    """h → h + ½ W₂ φ(W₁ φ(h)), φ = LeakyReLU(0.2): He et al. 2016 (arXiv:1603.05027), without norms."""

    def __init__(self, width: int):
        super().__init__()
        layers = [nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, width)]
        self.layers = nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.layers(h) / 2


class TableGenerator(RowGenerator):
    """A residual MLP with a head per column; the state adds an embedding of each sampled column.

    Args:
        head: width of the hidden layer of a head.
        tau: temperature of ReinMax.
    """

    def __init__(
        self,
        shape: Shape,
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
        dims = [choices + (places > 0) for choices, places in zip(self.choices, self.places, strict=True)]
        bounds = [(size, size**-0.5) for size in dims[:-1]]
        self.known = nn.ParameterList([torch.empty(size, width).uniform_(-b, b) for size, b in bounds])

    def begin(self, z: Tensor) -> Tensor:
        return self.trunk(z)

    def output(self, state: Tensor, j: int) -> Tensor:
        return self.heads[j](state)

    def bias(self, j: int) -> Tensor:
        return self.heads[j][-1].bias[: self.choices[j]]  # pyright: ignore

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        option = sample_categorical(logits.detach().softmax(1), noise[:, 0])
        return option, reinmax(logits, option, self.tau) if self.training else None

    def after(self, state: Tensor, j: int, option: Tensor, part: Tensor | None, position: Tensor | None) -> Tensor:
        if j == len(self.known):
            return state
        options, place = self.known[j].split([self.choices[j], len(self.known[j]) - self.choices[j]])
        new = options.index_select(0, option) if part is None else part @ options
        new += state
        return new if position is None else new.addcmul_(position[:, None], place)


def _head(width: int, head: int, outputs: int) -> nn.Module:
    last = nn.Linear(head, outputs)
    with torch.no_grad():
        last.weight *= 0.3  # nearly uniform options at first
        last.bias.zero_()
    return nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(width, head), nn.LeakyReLU(0.2), last)


class TableCritic(LayeredCritic):
    """Rows (n, width) → logits (n, 1): a residual MLP without norms. A relativistic loss would cancel a last bias."""

    def __init__(
        self, shape: Shape, choices: Sequence[int] = (), places: Sequence[int] = (), width: int = 256, blocks: int = 2
    ):
        layers = [nn.Linear(shape[0], width), *(TableBlock(width) for _ in range(blocks)), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Linear(width, 1, bias=False))


class Concatenated(nn.Module):
    """h → [ReLU(norm(W h)), h]: the residual block of Xu et al. 2019 (arXiv:1907.00503), section 4.4."""

    def __init__(self, i: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(i, width), nn.BatchNorm1d(width), nn.ReLU())

    def forward(self, h: Tensor) -> Tensor:
        return torch.cat([self.layers(h), h], 1)


class CTGANGenerator(RowGenerator):
    """Concatenating residual blocks with batch norm; all columns at once, by Gumbel-softmax of temperature `tau` in
    training. Xu et al. 2019, section 4.4."""

    def __init__(
        self,
        shape: Shape,
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
        widths = [z + classes + i * width for i in range(blocks + 1)]
        layers = [Concatenated(i, width) for i in widths[:-1]]
        self.net = nn.Sequential(*layers, nn.Linear(widths[-1], sum(self.outputs)))

    @property
    def choice_noise(self) -> list[int]:
        return self.choices

    def bias(self, j: int) -> Tensor:
        start = sum(self.outputs[:j])
        return self.net[-1].bias[start : start + self.choices[j]]  # pyright: ignore

    def choose(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        scores = logits + gumbel(noise)
        return scores.max(1).indices, (scores / self.tau).softmax(1) if self.training else None

    def begin(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.net(z).split(self.outputs, 1)

    def output(self, state: tuple[Tensor, ...], j: int) -> Tensor:
        return state[j]


class CTGANCritic(LayeredCritic):
    """Packs of rows (n, pack, width) → logits (n, 1): an MLP with dropout. Xu et al. 2019, section 4.4."""

    def __init__(
        self,
        shape: Shape,
        choices: Sequence[int] = (),
        places: Sequence[int] = (),
        widths: Sequence[int] = (256, 256),
        dropout: float = 0.5,
    ):
        layers = dense_layers([shape[0], *widths], dropout)
        super().__init__(nn.Flatten(), *layers, nn.Linear(widths[-1], 1, bias=False))
