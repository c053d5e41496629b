"""DCGAN: strided convolutions with batch norm. Radford et al. 2016 (arXiv:1511.06434).

The paper doubles a 4×4 map four times. Here images of any size are halved, rounding up, until the shorter side is 4 or
less (`map_sizes`); a layer from an odd side has a kernel of 3 instead of 4.
"""

from itertools import pairwise

from torch import nn

from sparring.errors import UserError
from sparring.networks.layers.blocks import NORMS, LayeredCritic, dcgan_init
from sparring.networks.layers.sizes import Shape, Size, halving_kernel, map_sizes


class DCGANGenerator(nn.Sequential):
    """z (n, z) → images (n, c, h, w) in [−1, 1].

    Args:
        width: channels before the last layer; each smaller map has twice as many.
    """

    def __init__(self, shape: Shape, z: int = 100, width: int = 64):
        def stage(i: int, o: int, kernel: Size, *step: int) -> list[nn.Module]:
            return [nn.ConvTranspose2d(i, o, kernel, *step, bias=False), nn.BatchNorm2d(o), nn.ReLU()]

        *larger, smallest = map_sizes(shape)
        widths = [width << k for k in reversed(range(len(larger)))]
        layers = [nn.Unflatten(1, (z, 1, 1)), *stage(z, widths[0], smallest)]
        for (i, o), size in zip(pairwise(widths), larger[:0:-1], strict=True):
            layers += stage(i, o, halving_kernel(size), 2, 1)
        last = nn.ConvTranspose2d(width, shape[0], halving_kernel(larger[0]), 2, 1, bias=False)
        super().__init__(*layers, last, nn.Tanh())
        self.apply(dcgan_init)


class DCGANCritic(LayeredCritic):
    """Images (n, c, h, w) → logits (n, 1): the generator mirrored, with LeakyReLU(0.2), and no norm in the first layer.

    Args:
        norm: a name of `NORMS`. Gradient penalties are per example, so they exclude "batch", the paper's.
        outputs: number of outputs.
    """

    tail = 2

    def __init__(self, shape: Shape, width: int = 64, norm: str = "batch", outputs: int = 1):
        *larger, smallest = map_sizes(shape)
        kind = NORMS[norm]

        def conv(i: int, o: int, kernel: Size, *step: int) -> nn.Module:
            return nn.Conv2d(i, o, kernel, *step, bias=not kind.shifts)

        layers: list[nn.Module] = [conv(shape[0], width, halving_kernel(larger[0]), 2, 1), nn.LeakyReLU(0.2)]
        for size in larger[1:]:
            layers += [conv(width, 2 * width, halving_kernel(size), 2, 1), kind.after(2 * width), nn.LeakyReLU(0.2)]
            width *= 2
        super().__init__(*layers, conv(width, outputs, smallest), nn.Flatten())
        self.apply(dcgan_init)
        kind.normalise(self)


class DCGANEncoder(DCGANCritic):
    """Images (n, c, h, w) → latents (n, z · moments).

    Args:
        moments: 1: z itself; 2: μ and log σ² of its posterior.
    """

    def __init__(self, shape: Shape, z: int = 100, width: int = 64, norm: str = "batch", moments: int = 1):
        if moments not in (1, 2):
            raise UserError(f"moments of dcgan-encoder is {moments}: use 1 (z) or 2 (mean and log-variance)")
        super().__init__(shape, width, norm, outputs=z * moments)
