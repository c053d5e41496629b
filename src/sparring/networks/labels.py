"""A class as an input of any generator and any critic. Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class LabelledGenerator(nn.Module):
    """z (n, z), y (n,) → samples: `net` on z with y, one-hot, behind it; so `net` takes z + classes numbers."""

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([z, one_hot(y, self.classes).to(z.dtype)], 1))


class LabelledCritic(nn.Module):
    """Samples (n, c, …), y (n,) → logits: `net` on the sample with a plane a class behind its channels, 1 at y's."""

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        planes = one_hot(y, self.classes).to(x.dtype).view(*y.shape, self.classes, *[1] * (x.dim() - 2))
        return self.net(torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1))
