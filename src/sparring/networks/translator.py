"""CycleGAN's residual translator: Zhu et al. 2017 (arXiv:1703.10593), appendix 7.2.

After Johnson et al. 2016 (arXiv:1603.08155). Also CUT's projection heads: Park et al. 2020 (arXiv:2007.15651), appendix
B. Images of any size are padded to a multiple of 4; the output is cropped.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparring.networks.layers.blocks import dcgan_init
from sparring.networks.layers.conditioned import ConditionalInstanceNorm, Conditioned
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.sizes import Shape, pad_to_multiple

SMALLEST = 8
"""Sides in pixels: after two halvings, reflection padding and instance norm need 2×2."""

NormFactory = Callable[[int], nn.Module]
"""Channels → layer."""


class TranslatorBlock(Stage):
    """x + branch(x)."""

    def __init__(self, width: int, norm: NormFactory):
        super().__init__()
        self.branch = Conditioned(*_conv(width, width, norm), nn.ReLU(), *_conv(width, width, norm))

    def forward(self, x: Tensor, *w: Tensor) -> Tensor:
        return x + self.branch(x, *w)


def _conv(i: int, o: int, norm: NormFactory, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(i, o, kernel, stride, kernel // 2, padding_mode="reflect"), norm(o)]


class Translator(nn.Module):
    """Images (n, inputs, h, w) in [−1, 1], and target classes (n,) if there are classes → images (n, c, h, w) in
    [−1, 1].

    Args:
        inputs: input channels; 0 for as many as output channels.
        width: channels of the largest map; the halved maps have two and four times as many.
        blocks: residual blocks. In the paper 6 up to 128 pixels, 9 above.
        classes: number of classes, each with its own gain and bias in every norm; 0 if there are none.
        smooth: upsample by the filter [1, 3, 3, 1] and a convolution (Zhang 2019, arXiv:1904.11486), as CUT's authors,
            instead of transposed convolutions, which cause checkerboard artefacts (Odena et al. 2016,
            doi:10.23915/distill.00003).
    """

    grain, reach = 1, None

    def __init__(
        self, shape: Shape, inputs: int = 0, width: int = 64, blocks: int = 6, classes: int = 0, smooth: bool = False
    ):
        super().__init__()
        self.inputs, self.classes = inputs or shape[0], classes
        norm = partial(ConditionalInstanceNorm, width=classes) if classes else nn.InstanceNorm2d
        convs = [(self.inputs, width, 7, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)]
        down = [Conditioned(*_conv(i, o, norm, kernel, stride), nn.ReLU()) for i, o, kernel, stride in convs]
        self.down = nn.ModuleList([*down, *(TranslatorBlock(4 * width, norm) for _ in range(blocks))])
        self.up = Conditioned(
            *upsampling_layers(4 * width, 2 * width, norm, smooth),
            *upsampling_layers(2 * width, width, norm, smooth),
            nn.Conv2d(width, shape[0], 7, 1, 3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self.taps = sorted({1, 2, 3, 3 + (blocks - 1) // 2} & set(range(len(self.down))))
        self.widths = [self.inputs, *(width << min(tap, 2) for tap in self.taps)]
        self.apply(dcgan_init)

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        height, width = x.shape[2:]
        w = [encode_condition(classes, self.classes, x) for classes in y]
        x = pad_to_multiple(x, 4, SMALLEST)
        for stage in self.down:
            x = stage(x, *w)
        return self.up(x, *w)[:, :, :height, :width]

    def features(self, x: Tensor) -> list[Tensor]:
        """Maps of the encoder with `widths` channels: the image, both halved maps, and the outputs of the first and of
        the middle block."""
        maps = [x]
        x = pad_to_multiple(x, 4, SMALLEST)
        for i, stage in enumerate(self.down[: self.taps[-1] + 1]):
            x = stage(x)
            if i in self.taps:
                maps.append(x)
        return maps


def upsampling_layers(i: int, o: int, norm: NormFactory, smooth: bool) -> list[nn.Module]:
    """Layers that double a map. Bilinear interpolation is the filter of `resample.upsample`, but with the border
    repeated instead of zeros."""
    if smooth:
        return [nn.Upsample(scale_factor=2, mode="bilinear"), *_conv(i, o, norm), nn.ReLU()]
    return [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1), norm(o), nn.ReLU()]


class PatchHeads(nn.Module):
    """Maps (n, cₗ, hₗ, wₗ) → unit vectors (n, places, width) at random places, by an MLP per map.

    The random numbers u (n, layers, pixels of the largest map) in [0, 1) select the places with the least values, so no
    place is selected twice.

    Args:
        widths: channels cₗ of the maps.
        places: number of places per map; all of a map that has fewer.
    """

    def __init__(self, widths: Sequence[int], places: int = 256, width: int = 256):
        super().__init__()
        self.places = places
        heads = (nn.Sequential(nn.Linear(c, width), nn.ReLU(), nn.Linear(width, width)) for c in widths)
        self.heads = nn.ModuleList(heads)

    def forward(self, maps: Sequence[Tensor], u: Tensor) -> list[Tensor]:
        vectors = []
        for i, (head, x) in enumerate(zip(self.heads, maps, strict=True)):
            places = u[:, i, : x.shape[2] * x.shape[3]].argsort(1)[:, : self.places]
            rows = x.flatten(2).transpose(1, 2)  # (n, pixels, c)
            vectors.append(normalize(head(torch.take_along_dim(rows, places[:, :, None], 1)), dim=-1))
        return vectors
