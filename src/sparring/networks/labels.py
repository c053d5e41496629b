"""A class given to any generator, and to any critic in one of three ways."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils import parametrize

from sparring.game import Opinion
from sparring.networks.layers import LayeredCritic, spectral_norm


class LabelledGenerator(nn.Module):
    """z (n, z), y (n,) → samples: `net` on z with y, one-hot, behind it; so `net` takes z + classes numbers.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2.
    """

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([z, one_hot(y, self.classes).to(z.dtype)], 1))


class LabelledCritic(nn.Module):
    """Samples (n, c, …), y (n,) → logits: `net` on the sample with a plane a class behind its channels, 1 at y's.

    Mirza & Osindero 2014, section 3.2.
    """

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        planes = one_hot(y, self.classes).to(x.dtype).view(*y.shape, self.classes, *[1] * (x.dim() - 2))
        return self.net(torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1))


class AuxiliaryCritic(nn.Module):
    """Samples (n, *shape) → logits, and of which class they look: `class`, logits (n, classes), beside them.

    Odena et al. 2017 (arXiv:1610.09585), section 3. It is not told the class: y is taken and not looked at.
    """

    def __init__(self, net: LayeredCritic, shape: tuple[int, ...], classes: int):
        super().__init__()
        self.net, self.head = net, _like(net, nn.Linear(_width(net, shape), classes))

    def forward(self, x: Tensor, y: Tensor) -> Opinion:
        features, logits = self.net.features_and_logits(x)
        return Opinion(logits, {"class": self.head(features)})


class ProjectionCritic(nn.Module):
    """Samples x (n, *shape), y (n,) → logits ψ(φ(x)) + vᵧᵀφ(x): Miyato & Koyama 2018 (arXiv:1802.05637), eq. 3."""

    def __init__(self, net: LayeredCritic, shape: tuple[int, ...], classes: int):
        super().__init__()
        self.net, self.v = net, _like(net, nn.Embedding(classes, _width(net, shape)))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        features, logits = self.net.features_and_logits(x)
        return logits + (self.v(y) * features).sum(1, keepdim=True)


def _width(net: LayeredCritic, shape: tuple[int, ...]) -> int:
    """Of its features."""
    was_training = net.training
    with torch.no_grad():
        features, _ = net.eval().features_and_logits(torch.zeros(1, *shape))
    net.train(was_training)
    return features.shape[1]


def _like(net: nn.Module, layer: nn.Module) -> nn.Module:
    """With weights at spectral norm 1 where the critic's are."""
    return spectral_norm(layer) if any(map(parametrize.is_parametrized, net.modules())) else layer
