"""Radford et al. 2016 (arXiv:1511.06434): strided convolutions, batch norm, and weights from N(0, 0.02²).

The paper's 64×64 doubles a 4×4 map four times. Any other image is halved, rounding up, until its shorter side is 4 or
less (28: 14, 7, 4; 64×96: 32×48, … 4×6), so every size gets a network as deep as it is large; an odd side takes a
kernel of 3 where an even one takes 4.
"""

from collections.abc import Sequence

from torch import nn

from sparring.errors import UserError
from sparring.networks.layers.blocks import NORMS, LayeredCritic, dcgan_init
from sparring.networks.layers.sizes import Size, halving_kernel, map_sizes


class DCGANGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1].

    `width` is the number of channels before the last layer; each earlier stage has twice as many.
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 64):
        *larger, smallest = map_sizes(shape)
        channels = width << (len(larger) - 1)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (z, 1, 1)),
            nn.ConvTranspose2d(z, channels, smallest, bias=False),  # a dense layer, seen as a small image
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        for side in larger[:0:-1]:
            layers += [
                nn.ConvTranspose2d(channels, channels // 2, halving_kernel(side), 2, 1, bias=False),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
            ]
            channels //= 2
        last = nn.ConvTranspose2d(channels, shape[0], halving_kernel(larger[0]), 2, 1, bias=False)
        super().__init__(*layers, last, nn.Tanh())
        self.apply(dcgan_init)


class DCGANCritic(LayeredCritic):
    """Images (n, c, h, w) → logits (n, 1); the mirror image of the generator, LeakyReLU(.2), no norm at first.

    Args:
        norm: a name of `layers.NORMS`; the gradient penalties, which look at one example at a time, want another than
            the paper's batch norm.
        outputs: numbers it answers with, instead of one logit.
    """

    tail = 2

    def __init__(self, shape: Sequence[int], width: int = 64, norm: str = "batch", outputs: int = 1):
        *larger, smallest = map_sizes(shape)
        kind = NORMS[norm]

        def conv(i: int, o: int, window: Size, *step: int) -> nn.Module:
            return nn.Conv2d(i, o, window, *step, bias=not kind.shifts)

        layers: list[nn.Module] = [conv(shape[0], width, halving_kernel(larger[0]), 2, 1), nn.LeakyReLU(0.2)]
        channels = width
        for side in larger[1:]:
            layers += [
                conv(channels, 2 * channels, halving_kernel(side), 2, 1),
                kind.after(2 * channels),
                nn.LeakyReLU(0.2),
            ]
            channels *= 2
        super().__init__(*layers, conv(channels, outputs, smallest), nn.Flatten())
        self.apply(dcgan_init)
        for layer in self:  # a norm of weights takes over what was initialised
            if isinstance(layer, nn.Conv2d):
                kind.layer(layer)


class DCGANEncoder(DCGANCritic):
    """Images (n, c, h, w) → z (n, z): the critic's layers, with as many outputs.

    Args:
        moments: 1 for the latent itself; 2 for μ and log σ² of its posterior, (n, 2z).
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 64, norm: str = "batch", moments: int = 1):
        if moments not in (1, 2):
            raise UserError(f"dcgan-encoder tells 1 or 2 moments, not {moments}")
        super().__init__(shape, width, norm, outputs=z * moments)
