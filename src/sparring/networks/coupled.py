"""CoGAN, two domains without pairs: Liu & Tuzel 2016 (arXiv:1606.07536).

An image pair has 2c channels, domain A first. The generator makes both from one z: its first layers are shared, its
last ones are separate per domain. In the critic the first layers are separate and the last ones shared (section 3). The
networks are DCGAN's.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.dcgan import DCGANCritic, DCGANGenerator
from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.sizes import Shape

DOMAINS = 2


def domain(shape: Shape) -> tuple[int, ...]:
    """The shape of one image of a pair. Raises UserError for an odd number of channels."""
    if shape[0] % DOMAINS:
        raise UserError(
            f"no pairs of images in {'×'.join(map(str, shape))}: the channels of two domains are an even number; "
            "give pairs, such as digits+edges"
        )
    return shape[0] // DOMAINS, *shape[1:]


def _first_layers(layers: Sequence[nn.Module], own: int, from_end: bool = False) -> int:
    """The number of layers before the `own`-th convolution, counted from 0, or from the end, from 1.

    Raises UserError unless at least one convolution is separate and one shared.
    """
    at = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    most = len(at) - 1
    if not 1 <= own <= most:
        raise UserError(f"own is {own}: of {most + 1} layers, 1 to {most} can be each domain's own")
    return at[-own if from_end else own]


class CoupledGenerator(nn.Module):
    """z (n, z) → pairs (n, 2c, h, w) in [−1, 1].

    Args:
        own: separate convolutions per domain, counted from the image.
    """

    def __init__(self, shape: Shape, z: int = 100, width: int = 64, own: int = 1):
        super().__init__()
        nets = [list(DCGANGenerator(domain(shape), z, width)) for _ in range(DOMAINS)]
        cut = _first_layers(nets[0], own, from_end=True)
        self.trunk = nn.Sequential(*nets[0][:cut])
        self.tails = nn.ModuleList(nn.Sequential(*net[cut:]) for net in nets)

    def forward(self, z: Tensor) -> Tensor:
        h = self.trunk(z)
        return torch.cat([tail(h) for tail in self.tails], 1)


class SharedCritic(LayeredCritic):
    """The last layers of a DCGAN critic."""

    tail = DCGANCritic.tail


class CoupledCritic(LayeredCritic):
    """Pairs (n, 2c, h, w) → logits (n, 2), one per domain, each from its own image alone.

    Args:
        own: separate convolutions per domain, counted from the image.
    """

    def __init__(self, shape: Shape, width: int = 64, norm: str = "batch", own: int = 1):
        nets = [list(DCGANCritic(domain(shape), width, norm)) for _ in range(DOMAINS)]
        cut = _first_layers(nets[0], own)
        super().__init__()
        self.heads = nn.ModuleList(nn.Sequential(*net[:cut]) for net in nets)
        self.shared = SharedCritic(*nets[0][cut:])

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.features_and_logits(x)[1]

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, d), those of A first, and logits (n, 2)."""
        pairs = zip(self.heads, x.chunk(DOMAINS, 1), strict=True)
        outputs = [self.shared.features_and_logits(head(image)) for head, image in pairs]
        features, logits = zip(*outputs, strict=True)
        return torch.cat(features, 1), torch.cat(logits, 1)
