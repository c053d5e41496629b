"""Radford et al. 2016 (arXiv:1511.06434): strided convolutions, batch norm, and weights from N(0, 0.02²).

The paper's 64×64 doubles a 4×4 map four times. Any other side is halved, rounding up, until 4 or less is left (28: 14,
7, 4), so every size gets a network as deep as it is large; an odd side takes a 3×3 kernel where an even one takes 4×4.
"""

from collections.abc import Sequence

from torch import nn

from sparring.errors import UserError

SMALLEST = 8


def sides(shape: Sequence[int]) -> list[int]:
    """The sides of the maps, from the image's down to the smallest. Raises UserError for a shape it can't make."""
    _, height, width = shape
    if height != width or width < SMALLEST:
        raise UserError(
            f"dcgan can't make {height}×{width} images: it makes squares of {SMALLEST} and more; try --size"
        )
    chain = [width]
    while chain[-1] > 4:
        chain.append(-(-chain[-1] // 2))
    return chain


def _kernel(larger: int) -> int:
    """With stride 2 and padding 1, the kernel that goes between `larger` and its half, rounded up."""
    return 3 if larger % 2 else 4


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


class DCGANGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1].

    `width` is the number of channels before the last layer; each earlier stage has twice as many.
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 64):
        *larger, smallest = sides(shape)
        channels = width << (len(larger) - 1)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (z, 1, 1)),
            nn.ConvTranspose2d(z, channels, smallest, bias=False),  # a dense layer, seen as a small image
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        for side in larger[:0:-1]:
            layers += [
                nn.ConvTranspose2d(channels, channels // 2, _kernel(side), 2, 1, bias=False),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
            ]
            channels //= 2
        last = nn.ConvTranspose2d(channels, shape[0], _kernel(larger[0]), 2, 1, bias=False)
        super().__init__(*layers, last, nn.Tanh())
        self.apply(_initialise)


class DCGANCritic(nn.Sequential):
    """Images (n, c, h, w) → logits (n, 1); the mirror image of the generator, LeakyReLU(.2), no norm at first."""

    def __init__(self, shape: Sequence[int], width: int = 64):
        *larger, smallest = sides(shape)
        layers: list[nn.Module] = [nn.Conv2d(shape[0], width, _kernel(larger[0]), 2, 1, bias=False), nn.LeakyReLU(0.2)]
        channels = width
        for side in larger[1:]:
            layers += [
                nn.Conv2d(channels, 2 * channels, _kernel(side), 2, 1, bias=False),
                nn.BatchNorm2d(2 * channels),
                nn.LeakyReLU(0.2),
            ]
            channels *= 2
        super().__init__(*layers, nn.Conv2d(channels, 1, smallest, bias=False), nn.Flatten())
        self.apply(_initialise)
