"""CycleGAN's generator: Zhu et al. 2017 (arXiv:1703.10593), appendix 7.2, after Johnson et al. 2016 (arXiv:1603.08155):
two halvings, residual blocks, two doublings, with instance norm. And the heads CUT reads its features with: Park et al.
2020 (arXiv:2007.15651), appendix B.

Images of any size: they are padded to a multiple of 4, and the answer is cut back.
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
from sparring.networks.layers.sizes import pad_to_multiple

SMALLEST = 8
"""Pixels: what is reflected at its border, and whose deviation is taken, has two each way when it is halved twice."""


NormFactory = Callable[[int], nn.Module]
"""Of so many channels."""


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
    """Images (n, inputs, h, w) in [−1, 1], and the classes (n,) they are to be of if it has such, → images (n, c, h, w)
    in [−1, 1].

    Args:
        inputs: channels it takes; 0: as many as it makes.
        width: channels of the image's own size; the halved maps have twice and four times as many.
        blocks: residual ones; the paper's are 6 to 128 pixels, and 9 above.
        classes: each has a gain and a bias of its own in every norm; 0: there are none.
        smooth: maps are doubled by the filter [1, 3, 3, 1] and convolved (Zhang 2019, arXiv:1904.11486), as CUT's
            authors have it, where transposed convolutions may weave a grid (Odena et al. 2016,
            doi:10.23915/distill.00003).
    """

    grain, reach = 1, None

    def __init__(
        self,
        shape: Sequence[int],
        inputs: int = 0,
        width: int = 64,
        blocks: int = 6,
        classes: int = 0,
        smooth: bool = False,
    ):
        super().__init__()
        self.inputs, self.classes = inputs or shape[0], classes
        norm = partial(ConditionalInstanceNorm, width=classes) if classes else nn.InstanceNorm2d
        down = [
            Conditioned(*_conv(self.inputs, width, norm, 7), nn.ReLU()),
            Conditioned(*_conv(width, 2 * width, norm, 3, 2), nn.ReLU()),
            Conditioned(*_conv(2 * width, 4 * width, norm, 3, 2), nn.ReLU()),
        ]
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
        """Of the way down: the pixels, both halved maps, the first block's and the middle one's, of nine the fifth;
        channels as `widths` says."""
        found = [x]
        x = pad_to_multiple(x, 4, SMALLEST)
        for i, stage in enumerate(self.down[: self.taps[-1] + 1]):
            x = stage(x)
            if i in self.taps:
                found.append(x)
        return found


def upsampling_layers(i: int, o: int, norm: NormFactory, smooth: bool) -> list[nn.Module]:
    """Layers that make maps twice as large. Bilinear is the filter of `resample.upsampled`, but beyond its border a map
    goes on as it ends, not with zeros."""
    if smooth:
        return [nn.Upsample(scale_factor=2, mode="bilinear"), *_conv(i, o, norm), nn.ReLU()]
    return [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1), norm(o), nn.ReLU()]


class PatchHeads(nn.Module):
    """Maps (n, cₗ, hₗ, wₗ) → the directions (n, places, width) of what stands at so many places, by a perceptron a map.

    By numbers (n, layers, all places of the largest map) in [0, 1): where the least of them are, so that no place is
    taken twice, and is not its own negative.

    Args:
        widths: the maps' channels cₗ.
        places: of each map, or all of one that has fewer.
    """

    def __init__(self, widths: Sequence[int], places: int = 256, width: int = 256):
        super().__init__()
        self.places = places
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(c, width), nn.ReLU(), nn.Linear(width, width)) for c in widths
        )

    def forward(self, maps: Sequence[Tensor], u: Tensor) -> list[Tensor]:
        found = []
        for i, (head, x) in enumerate(zip(self.heads, maps, strict=True)):
            at = u[:, i, : x.shape[2] * x.shape[3]].argsort(1)[:, : self.places]
            rows = x.flatten(2).transpose(1, 2)  # (n, places, c)
            picked = torch.take_along_dim(rows, at[:, :, None], 1)
            found.append(normalize(head(picked), dim=-1))
        return found
