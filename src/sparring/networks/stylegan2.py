"""StyleGAN2: Karras et al. 2020 (arXiv:1912.04958). A mapping network makes a style w of z; styles, not z, enter the
layers of a generator that starts from a learnt constant and adds up images of all sizes; the critic is residual.

The paper's maps start at 4×4; here they start at a shorter side from 4 to 7 (28: 7, 14, 28; 64×96: 4×6, … 64×96), and
an image that can't be halved down to that is refused.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.errors import UserError
from sparring.networks.layers.blocks import ClassedCritic
from sparring.networks.layers.equalised import RECTIFIED, SLOPE, EqualisedConv, EqualisedLinear, PixelNorm, StddevPlane
from sparring.networks.layers.labels import encode_condition
from sparring.networks.layers.modulated import StyledLayer, ToImage
from sparring.networks.layers.recompute import Stage
from sparring.networks.layers.resample import blur, downsample, halved_sizes, upsample
from sparring.networks.layers.sizes import Size, channel_widths

DECAY = 0.995
"""Of the mean of w, a batch."""


def mapping_network(i: int, o: int, layers: int) -> nn.Sequential:
    """(n, i) → (n, o): dense layers that learn at a hundredth of the rate (Karras et al. 2019, arXiv:1812.04948, C)."""
    if layers < 1:
        raise UserError(f"mapping is {layers}: a mapping network has 1 layer or more")
    wide = [i, *[o] * layers]
    steps = [(EqualisedLinear(*ends, rate=0.01, gain=RECTIFIED), nn.LeakyReLU(SLOPE)) for ends in pairwise(wide)]
    return nn.Sequential(*(layer for step in steps for layer in step))


def embedding(classes: int, dim: int) -> nn.Linear:
    """Of classes or attributes as rows. Equalised without a scale: a one-hot row has length 1, however wide it is."""
    layer = nn.Linear(classes, dim, bias=False)
    nn.init.normal_(layer.weight)
    return layer


class StyledStage(Stage):
    """x (n, i, …), styles (n, layers + 1, dim) → maps of one size, and what they add to the image."""

    def __init__(self, layers: Sequence[nn.Module], image: nn.Module):
        super().__init__()
        self.layers, self.image = nn.ModuleList(layers), image

    def forward(self, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k])
        return x, self.image(x, w[:, len(self.layers)])


def _stages(maps: Sequence[Size], channels: Sequence[int], colours: int, dim: int) -> Iterator[StyledStage]:
    """From the smallest maps to the largest. The first has one layer, the others a doubling one and one more."""
    i = 0
    for size, o in zip(reversed(maps), reversed(channels), strict=True):
        layers = [StyledLayer(i, o, dim, size, doubled=True)] if i else []
        yield StyledStage([*layers, StyledLayer(o, o, dim, size, doubled=False)], ToImage(o, colours, dim))
        i = o


class StyleGAN2Generator(nn.Module):
    """z (n, z), and y (n,) or (n, classes) if there are classes → images (n, c, h, w), about in [−1, 1].

    In training it draws from torch's own generator, which the loop seeds: noise in every layer, and for mixed styles a
    second latent from N(0, 1). It also moves the mean of w then. In evaluation it draws nothing.

    Args:
        w: numbers of a style.
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most. The paper's are 32, 512 for 1024×1024.
        mapping: layers from z to w; the paper's are 8.
        mixing: the share of examples whose layers from a random one on have the style of another latent, in training
            (Karras et al. 2019, section 3.1). 0 where z holds codes, which a second latent would contradict.
        classes: or attributes, whose embedding stands behind z in the mapping network.

    Raises:
        UserError: sides that can't be halved.
    """

    conditional = True
    mean: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        z: int = 100,
        w: int = 512,
        width: int = 32,
        widest: int = 512,
        mapping: int = 8,
        mixing: float = 0.9,
        classes: int = 0,
    ):
        super().__init__()
        self.classes, self.mixing = classes, mixing
        self.embed = embedding(classes, z) if classes else None
        self.norm, self.mapping = PixelNorm(), mapping_network(2 * z if classes else z, w, mapping)
        maps = halved_sizes(shape)
        channels = channel_widths(len(maps), width, widest)
        self.constant = nn.Parameter(torch.randn(channels[-1], *maps[-1]))
        self.stages, self.depth = nn.ModuleList(_stages(maps, channels, shape[0], w)), 2 * len(maps)
        self.register_buffer("mean", torch.zeros(w))

    def forward(self, z: Tensor, *condition: Tensor) -> Tensor:
        return self.synthesis(self.styles(z, *condition))

    def styles(self, z: Tensor, *condition: Tensor) -> Tensor:
        """w for every layer, (n, depth, w); mixed in training."""
        w = self.mapped(z, *condition)
        if not self.training:
            return w[:, None].expand(-1, self.depth, -1)
        with torch.no_grad():
            self.mean.lerp_(w.mean(0).to(self.mean), 1 - DECAY)
        other, n = self.mapped(torch.randn_like(z), *condition), z.shape[0]
        mixed = torch.rand(n, 1, device=z.device) < self.mixing
        start = torch.where(mixed, torch.randint(1, self.depth, (n, 1), device=z.device), self.depth)
        own = torch.arange(self.depth, device=z.device) < start  # (n, depth)
        return torch.where(own[..., None], w[:, None], other[:, None])

    def mapped(self, z: Tensor, *condition: Tensor) -> Tensor:
        """w (n, w)."""
        if self.embed is not None:
            (y,) = condition
            z = torch.cat([z, self.embed(encode_condition(y, self.classes, z))], 1)
        return self.mapping(self.norm(z))

    def synthesis(self, w: Tensor) -> Tensor:
        """The images of w for every layer, (n, depth, w). An image takes the w of the layer that comes after it."""
        x, image = self.constant.expand(w.shape[0], -1, -1, -1), None
        for k, stage in enumerate(self.stages):
            x, added = stage(x, w[:, max(0, 2 * k - 1) :])
            image = added if image is None else upsample(image) + added
        assert image is not None
        return image


class ResidualDown(Stage):
    """x (n, i, 2h, 2w) → (n, o, h, w), a residual block: section 4.1. The sum of two is as large as each of them."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.keep, self.halve = EqualisedConv(i, i, 3, gain=RECTIFIED), EqualisedConv(i, o, 3, stride=2, padding=0)
        self.shortcut = EqualisedConv(i, o, 1, bias=False, gain=math.sqrt(1 / 2))

    def forward(self, x: Tensor) -> Tensor:
        branch = self.halve(blur(leaky_relu(self.keep(x), SLOPE), 2))
        # (shortcut + √2·rectified) / √2, as gains of layers
        return self.shortcut(downsample(x)) + leaky_relu(branch, SLOPE)


class MappedProjection(nn.Module):
    """Features (n, d), y → logits ⟨f, m(y)⟩/√d, (n, 1): m maps an embedding of y. Karras et al. 2020
    (arXiv:2006.06676), whose embedding is normalised; here it keeps the size of attributes."""

    conditional = True

    def __init__(self, d: int, classes: int, mapping: int):
        super().__init__()
        self.linear, self.classes = EqualisedLinear(d, d), classes
        self.map = nn.Sequential(embedding(classes, d), *mapping_network(d, d, mapping))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        toward = self.map(encode_condition(y, self.classes, x))
        return (self.linear(x) * toward).sum(1, keepdim=True) / math.sqrt(x.shape[1])


class StyleGAN2Critic(ClassedCritic):
    """Images (n, c, h, w), and y (n,) or (n, classes) if there are classes → logits (n, 1).

    Its plane of deviations ties a batch together: see `StddevPlane`.

    Args:
        width: channels of the image's own size; each smaller map has twice as many,
        widest: and this many at most. The paper's are 32, 512 for 1024×1024.
        classes: or attributes.
        mapping: layers behind their embedding; the paper's are 8.

    Raises:
        UserError: sides that can't be halved.
    """

    def __init__(self, shape: Sequence[int], width: int = 32, widest: int = 512, classes: int = 0, mapping: int = 8):
        maps = halved_sizes(shape)
        channels = channel_widths(len(maps), width, widest)
        d = channels[-1]
        super().__init__(
            EqualisedConv(shape[0], channels[0], 1, gain=RECTIFIED),
            nn.LeakyReLU(SLOPE),
            *(ResidualDown(i, o) for i, o in pairwise(channels)),
            StddevPlane(),
            EqualisedConv(d + 1, d, 3, gain=RECTIFIED),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            EqualisedLinear(d * math.prod(maps[-1]), d, gain=RECTIFIED),
            nn.LeakyReLU(SLOPE),
            MappedProjection(d, classes, mapping) if classes else EqualisedLinear(d, 1),
        )
