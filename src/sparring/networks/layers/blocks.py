"""Layers that several architectures share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize


class SpectralNorm(nn.Module):
    """W / σ(W), σ estimated by power iteration. Miyato et al. 2018 (arXiv:1802.05957), algorithm 1.

    The vectors u, v move once after each of the player's optimiser steps (the loop calls `after_step`), not at each
    forward pass: the weight has not changed in between, and how often a critic is asked, or in how many slices, must
    not change its answer.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: nn.Parameter, start: int = 15):
        super().__init__()
        matrix = weight.detach().flatten(1)
        u = torch.randn(matrix.shape[0], dtype=weight.dtype, device=weight.device)
        self.register_buffer("u", normalize(u, dim=0))
        self.register_buffer("v", normalize(matrix.T @ u, dim=0))
        self._weight = (weight,)  # in a tuple, so that it is not registered a second time
        for _ in range(start):
            self.after_step()

    def forward(self, weight: Tensor) -> Tensor:
        with _exact(weight):
            return weight / torch.dot(self.u, weight.flatten(1) @ self.v)

    @torch.no_grad()
    def after_step(self) -> None:
        matrix = self._weight[0].flatten(1)
        self.v.copy_(normalize(matrix.T @ self.u, dim=0))
        self.u.copy_(normalize(matrix @ self.v, dim=0))


def _exact(weight: Tensor) -> AbstractContextManager[object]:
    """No autocast, for σ wants full precision; there is none on the meta device."""
    return nullcontext() if weight.is_meta else torch.autocast(weight.device.type, enabled=False)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """`layer` with its weight kept at spectral norm 1."""
    weight = layer.get_parameter("weight")
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))
    return layer


@dataclass(frozen=True)
class Norm:
    """What keeps a critic's activations in bounds: on every layer's weight, in place, or after an inner layer."""

    layer: Callable[[nn.Module], object] = lambda layer: None
    after: Callable[[int], nn.Module] = lambda channels: nn.Identity()
    shifts: bool = False
    """It adds a bias of its own, so the layer before needs none."""


NORMS = {
    "batch": Norm(after=nn.BatchNorm2d, shifts=True),
    "layer": Norm(after=partial(nn.GroupNorm, 1), shifts=True),
    "spectral": Norm(layer=spectral_norm),
    "none": Norm(),
}
"""Ioffe & Szegedy 2015 (arXiv:1502.03167), Ba et al. 2016 (arXiv:1607.06450), Miyato et al. 2018."""


class LayeredCritic(nn.Sequential):
    """Layers, the last `tail` of which make logits (n, 1) of the features before them."""

    tail = 1

    def features_and_logits(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, d), flattened, and logits (n, 1); what is given, it does not look at."""
        layers = list(self)
        for layer in layers[: -self.tail]:
            x = layer(x)
        features = x.flatten(1)
        for layer in layers[-self.tail :]:
            x = layer(x)
        return features, x

    def tell(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Features, logits, and what else it has to say of x, by name."""
        return *self.features_and_logits(x, *given), {}


class ClassedCritic(LayeredCritic):
    """Layers, the last of which makes logits (n, 1) of features (n, d), given the class if it says `conditional`."""

    def forward(self, x: Tensor, *given: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.features_and_logits(x, *given)[1]

    def features_and_logits(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        *layers, last = self
        for layer in layers:
            x = layer(x)
        return x, last(x, *given) if getattr(last, "conditional", False) else last(x)


def dcgan_init(module: nn.Module) -> None:
    """Initialises convolutions from N(0, 0.02²) and batch-norm gains from N(1, 0.02²): Radford et al. 2016."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


class Brightness(nn.Module):
    """Images in [−1, 1], as the library keeps them, to the [0, 1] some networks were made for."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) / 2


class SigmoidImage(nn.Module):
    """Logits of a brightness in [0, 1], as an image in [−1, 1]: 2σ(x) − 1. Undone by `Brightness`."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x.sigmoid() - 1


OUTPUTS: dict[str, Callable[[], nn.Module]] = {"tanh": nn.Tanh, "sigmoid": SigmoidImage, "linear": nn.Identity}
"""How a generator ends: images in [−1, 1], the same by way of [0, 1], anything."""
