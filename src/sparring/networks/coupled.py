"""Coupled networks: Liu & Tuzel 2016 (arXiv:1606.07536). Two domains, no pairs known: what they share couples them.

A pair is an image of 2c channels, those of domain A before those of domain B. The generator makes both of one z: first
layers are shared, as they decide what is shown; the last are each domain's own. The critic is its mirror image: the
first layers are each domain's own, the last, which see what is shown, are shared (section 3). The networks are DCGAN's.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.dcgan import DCGANCritic, DCGANGenerator
from sparring.networks.layers.blocks import LayeredCritic

DOMAINS = 2


def domain(shape: Sequence[int]) -> tuple[int, ...]:
    """Of one image of a pair of this shape. Raises UserError for an odd number of channels."""
    if shape[0] % DOMAINS:
        raise UserError(
            f"no pairs of images in {'×'.join(map(str, shape))}: the channels of two domains are an even number; "
            "give pairs, such as digits+edges"
        )
    return shape[0] // DOMAINS, *shape[1:]


def _convolutions(layers: Sequence[nn.Module]) -> list[int]:
    """Where they are."""
    return [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


def _own(asked: int, layers: Sequence[nn.Module]) -> int:
    """Raises UserError unless each domain has a convolution of its own, and one is shared."""
    most = len(_convolutions(layers)) - 1
    if not 1 <= asked <= most:
        raise UserError(f"own is {asked}: of {most + 1} layers, 1 to {most} can be each domain's own")
    return asked


class CoupledGenerator(nn.Module):
    """z (n, z) → pairs (n, 2c, h, w) in [−1, 1].

    Args:
        own: convolutions, counted from the image, that each domain has for itself.
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 64, own: int = 1):
        super().__init__()
        nets = [list(DCGANGenerator(domain(shape), z, width)) for _ in range(DOMAINS)]
        cut = _convolutions(nets[0])[-_own(own, nets[0])]
        self.trunk = nn.Sequential(*nets[0][:cut])
        self.tails = nn.ModuleList(nn.Sequential(*net[cut:]) for net in nets)

    def forward(self, z: Tensor) -> Tensor:
        shared = self.trunk(z)
        return torch.cat([tail(shared) for tail in self.tails], 1)


class SharedCritic(LayeredCritic):
    """The layers of a DCGAN critic from one on."""

    tail = DCGANCritic.tail


class CoupledCritic(LayeredCritic):
    """Pairs (n, 2c, h, w) → logits (n, 2), one a domain; objectives average over them.

    Each image is judged by itself, whatever stands beside it.

    Args:
        own: convolutions, counted from the image, that each domain has for itself.
    """

    def __init__(self, shape: Sequence[int], width: int = 64, norm: str = "batch", own: int = 1):
        nets = [list(DCGANCritic(domain(shape), width, norm)) for _ in range(DOMAINS)]
        cut = _convolutions(nets[0])[_own(own, nets[0])]
        super().__init__()
        self.heads = nn.ModuleList(nn.Sequential(*net[:cut]) for net in nets)
        self.shared = SharedCritic(*nets[0][cut:])

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.features_and_logits(x)[1]

    def features_and_logits(self, x: Tensor, *condition: Tensor) -> tuple[Tensor, Tensor]:
        """Features of A before those of B (n, d), and logits (n, 2)."""
        images = x.chunk(DOMAINS, 1)
        told = [self.shared.features_and_logits(head(image)) for head, image in zip(self.heads, images, strict=True)]
        features, logits = zip(*told, strict=True)
        return torch.cat(features, 1), torch.cat(logits, 1)
