"""Shared layers: spectral norm, critic base classes, initialisation, output activations."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from sparring.networks.layers.dropout import Dropout


class SpectralNorm(nn.Module):
    """W / σ(W), σ estimated by power iteration. Miyato et al. 2018 (arXiv:1802.05957), algorithm 1.

    The loop calls `after_step` once per optimiser step, instead of one iteration per forward pass: the output must not
    depend on the number of forward passes or micro-batches.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: nn.Parameter, start: int = 15):
        super().__init__()
        matrix = weight.detach().flatten(1)
        u = torch.randn(matrix.shape[0], dtype=weight.dtype, device=weight.device)
        self.register_buffer("u", normalize(u, dim=0))
        self.register_buffer("v", normalize(matrix.T @ u, dim=0))
        self._weight = (weight,)  # a tuple: not registered a second time
        for _ in range(start):
            self.after_step()

    def forward(self, weight: Tensor) -> Tensor:
        with _full_precision(weight):
            return weight / torch.dot(self.u, weight.flatten(1) @ self.v)

    @torch.no_grad()
    def after_step(self) -> None:
        matrix = self._weight[0].flatten(1)
        self.v.copy_(normalize(matrix.T @ self.u, dim=0))
        self.u.copy_(normalize(matrix @ self.v, dim=0))


def _full_precision(weight: Tensor) -> AbstractContextManager[object]:
    """Disables autocast: σ needs full precision. The meta device has no autocast."""
    return nullcontext() if weight.is_meta else torch.autocast(weight.device.type, enabled=False)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """The layer with spectral norm on its weight."""
    weight = layer.get_parameter("weight")
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))
    return layer


@dataclass(frozen=True)
class Norm:
    """A normalisation of a critic: of every layer's weight, in place, or a layer after each inner layer."""

    layer: Callable[[nn.Module], object] = lambda layer: None
    after: Callable[[int], nn.Module] = lambda channels: nn.Identity()
    shifts: bool = False
    """Whether it has a bias, so that the layer before needs none."""

    def normalise(self, net: nn.Module) -> None:
        """Applies `layer` to every convolution and linear layer, in place. Call it after initialisation."""
        for module in list(net.modules()):
            if isinstance(module, nn.Conv2d | nn.Linear):
                self.layer(module)


NORMS = {
    "batch": Norm(after=nn.BatchNorm2d, shifts=True),
    "layer": Norm(after=partial(nn.GroupNorm, 1), shifts=True),
    "spectral": Norm(layer=spectral_norm),
    "none": Norm(),
}
"""Ioffe & Szegedy 2015 (arXiv:1502.03167), Ba et al. 2016 (arXiv:1607.06450), Miyato et al. 2018."""


class LayeredCritic(nn.Sequential):
    """A sequence whose last `tail` layers compute logits (n, 1) from features."""

    tail = 1

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, d), flattened, and logits (n, 1). The condition is not used."""
        layers = list(self)
        for layer in layers[: -self.tail]:
            x = layer(x)
        features = x.flatten(1)
        for layer in layers[-self.tail :]:
            x = layer(x)
        return features, x

    def outputs(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Features, logits, and named extras."""
        return *self.features_and_logits(x, *condition), {}


class ClassedCritic(LayeredCritic):
    """A sequence whose last layer computes logits (n, 1) from features (n, d), and from the class if `conditional`."""

    def forward(self, x: Tensor, *condition: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.features_and_logits(x, *condition)[1]

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        *layers, last = self
        for layer in layers:
            x = layer(x)
        return x, last(x, *condition) if getattr(last, "conditional", False) else last(x)


def dcgan_init(module: nn.Module) -> None:
    """Initialises convolutions from N(0, 0.02²) and batch-norm gains from N(1, 0.02²): Radford et al. 2016."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


def xavier_conv(i: int, o: int, kernel: int, gain: float = 1.0, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps the size of maps, with Xavier's weights."""
    layer = nn.Conv2d(i, o, kernel, padding=kernel // 2, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain)
    return layer


def dense_layers(widths: Sequence[int], dropout: float) -> list[nn.Module]:
    """Linear, LeakyReLU(0.2) and dropout layers between the widths."""
    steps = [(nn.Linear(i, o), nn.LeakyReLU(0.2), Dropout(dropout)) for i, o in pairwise(widths)]
    return [layer for step in steps for layer in step]


class Lambda(nn.Module):
    """A function without parameters as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def sigmoid_image(x: Tensor) -> Tensor:
    """2σ(x) − 1: a sigmoid output as an image in [−1, 1]."""
    return 2 * x.sigmoid() - 1


OUTPUTS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": partial(Lambda, sigmoid_image),
    "linear": nn.Identity,
}
"""Output activations of generators; "linear" is unbounded."""
