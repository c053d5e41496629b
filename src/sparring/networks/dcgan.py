"""Radford et al. 2016 (arXiv:1511.06434): strided convolutions, batch norm, and weights from N(0, 0.02²)."""

from collections.abc import Sequence

from torch import nn

from sparring.errors import UserError


def stages(shape: Sequence[int]) -> tuple[int, int]:
    """(side of the first map, number of doublings) for a square image of `shape` (c, h, w).

    Raises UserError for a size that is not 4…7 times a power of two, with the nearest ones.
    """
    _, height, width = shape
    side, doublings = width, 0
    while side % 2 == 0 and side > 7:
        side, doublings = side // 2, doublings + 1
    if height != width or not 4 <= side <= 7 or not doublings:
        sizes = [base << n for n in range(1, 8) for base in (4, 5, 6, 7)]
        near = sorted(sorted(sizes, key=lambda s: abs(s - width))[:2])
        raise UserError(
            f"dcgan can't make {height}×{width} images: it makes squares of 4…7 times a power of two; "
            f"try --size {near[0]} or --size {near[1]}"
        )
    return side, doublings


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


class DCGANGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1].

    `width` is the number of channels before the last layer; each earlier stage has twice as many.
    """

    def __init__(self, shape: Sequence[int], z: int = 100, width: int = 64):
        side, doublings = stages(shape)
        channels = width << (doublings - 1)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (z, 1, 1)),
            nn.ConvTranspose2d(z, channels, side, bias=False),  # a dense layer, seen as a side×side image
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        for _ in range(doublings - 1):
            layers += [
                nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
            ]
            channels //= 2
        super().__init__(*layers, nn.ConvTranspose2d(channels, shape[0], 4, 2, 1, bias=False), nn.Tanh())
        self.apply(_initialise)


class DCGANCritic(nn.Sequential):
    """Images (n, c, h, w) → logits (n, 1); the mirror image of the generator, LeakyReLU(.2), no norm at first."""

    def __init__(self, shape: Sequence[int], width: int = 64):
        side, doublings = stages(shape)
        layers: list[nn.Module] = [nn.Conv2d(shape[0], width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        channels = width
        for _ in range(doublings - 1):
            layers += [
                nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * channels),
                nn.LeakyReLU(0.2),
            ]
            channels *= 2
        super().__init__(*layers, nn.Conv2d(channels, 1, side, bias=False), nn.Flatten())
        self.apply(_initialise)
