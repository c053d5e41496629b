"""Conditioning by concatenation: classes or attributes appended to the latent, or to the channels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.networks.layers.blocks import LayeredCritic


def encode_condition(y: Tensor, width: int, like: Tensor) -> Tensor:
    """Classes (n,) as one-hot rows, attributes (n, width) unchanged; those of a pack (n, pack, …) concatenated.

    Returns (n, width) of the type of `like`.
    """
    rows = y if y.is_floating_point() else one_hot(y, width)
    return rows.flatten(1).to(like.dtype)


class LabelledGenerator(nn.Module):
    """z (n, z), y (n,) or (n, width) → samples: `net` applied to [z, y], of z + width numbers.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2.

    Args:
        width: number of classes or attributes.
    """

    def __init__(self, net: nn.Module, width: int):
        super().__init__()
        self.net, self.width = net, width

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([z, encode_condition(y, self.width, z)], 1))


class LabelledCritic(nn.Module):
    """Samples (n, c, …), y → logits: `net` applied to the sample with one constant channel per class or attribute.

    Mirza & Osindero 2014, section 3.2.
    """

    def __init__(self, net: nn.Module, width: int):
        super().__init__()
        self.net, self.width = net, width

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(self._with_planes(x, y))

    def features_and_logits(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(self.net, LayeredCritic)
        return self.net.features_and_logits(self._with_planes(x, y))

    def outputs(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        assert isinstance(self.net, LayeredCritic)
        return self.net.outputs(self._with_planes(x, y))

    def _with_planes(self, x: Tensor, y: Tensor) -> Tensor:
        planes = encode_condition(y, self.width, x)
        return torch.cat([x, planes.view(*planes.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])], 1)
