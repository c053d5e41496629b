"""Networks told what is given: the class, or attributes, beside the latent and behind the channels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.networks.layers.blocks import LayeredCritic


def encode_condition(y: Tensor, width: int, like: Tensor) -> Tensor:
    """Classes (n,) as one-hot rows, attributes (n, width) as they are; those of a pack, (n, pack, …), one behind the
    other. Floats like `like`."""
    rows = y if y.is_floating_point() else one_hot(y, width)
    return rows.flatten(1).to(like.dtype)


class LabelledGenerator(nn.Module):
    """z (n, z), y (n,) or (n, width) → samples: `net` on z with y behind it; so `net` takes z + width numbers.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2.

    Args:
        width: how many classes, or attributes.
    """

    def __init__(self, net: nn.Module, width: int):
        super().__init__()
        self.net, self.width = net, width

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([z, encode_condition(y, self.width, z)], 1))


class LabelledCritic(nn.Module):
    """Samples (n, c, …), y → logits: `net` on the sample with a plane a class (1 at y's) or attribute behind its
    channels.

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

    def tell(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        assert isinstance(self.net, LayeredCritic)
        return self.net.tell(self._with_planes(x, y))

    def _with_planes(self, x: Tensor, y: Tensor) -> Tensor:
        planes = encode_condition(y, self.width, x)
        return torch.cat([x, planes.view(*planes.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])], 1)
