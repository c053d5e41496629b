"""StyleGAN2: Karras et al. 2020 (arXiv:1912.04958).

A mapping network maps z to a style w, which modulates the layers of a generator that starts from a learnt constant and
sums images of all sizes; the critic is residual. The smallest map is 4 to 7 pixels, not always the paper's 4×4 (28: 7,
14, 28); images that can't be halved exactly down to it raise UserError.
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
from sparring.networks.layers.sizes import Shape, Size, channel_widths

DECAY = 0.995
"""Of the moving average of w, per batch."""


def mapping_network(i: int, o: int, layers: int) -> nn.Sequential:
    """(n, i) → (n, o): dense layers with a hundredth of the learning rate (Karras et al. 2019, arXiv:1812.04948, C)."""
    if layers < 1:
        raise UserError(f"mapping is {layers}: a mapping network has 1 layer or more")
    widths = pairwise([i, *[o] * layers])
    steps = [(EqualisedLinear(i, o, rate=0.01, gain=RECTIFIED), nn.LeakyReLU(SLOPE)) for i, o in widths]
    return nn.Sequential(*(layer for step in steps for layer in step))


def embedding(classes: int, dim: int) -> nn.Linear:
    """Of one-hot classes or attributes. Equalised without a scale: a one-hot row has norm 1, whatever its width."""
    layer = nn.Linear(classes, dim, bias=False)
    nn.init.normal_(layer.weight)
    return layer


class StyledStage(Stage):
    """x (n, i, …), styles (n, layers + 1, dim) → the maps of one size, and their image."""

    def __init__(self, layers: Sequence[nn.Module], image: nn.Module):
        super().__init__()
        self.layers, self.image = nn.ModuleList(layers), image

    def forward(self, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k])
        return x, self.image(x, w[:, len(self.layers)])


def _stages(maps: Sequence[Size], channels: Sequence[int], colours: int, dim: int) -> Iterator[StyledStage]:
    """From the smallest map to the largest. Each but the first starts with an upsampling layer."""
    i = 0
    for size, o in zip(reversed(maps), reversed(channels), strict=True):
        layers = [StyledLayer(i, o, dim, size, doubled=True)] if i else []
        yield StyledStage([*layers, StyledLayer(o, o, dim, size, doubled=False)], ToImage(o, colours, dim))
        i = o


class StyleGAN2Generator(nn.Module):
    """z (n, z), and y (n,) or (n, classes) if there are classes → images (n, c, h, w), about in [−1, 1].

    In training it updates the mean of w and draws from torch's global generator: noise in every layer, and a second
    latent from N(0, 1) for style mixing. In evaluation it is deterministic.

    Args:
        w: dimensions of a style.
        width: channels of the largest map; each smaller map has twice as many, at most `widest`. In the paper 32, 512
            for 1024×1024.
        mapping: layers from z to w. In the paper 8.
        mixing: probability that the layers from a random one on use the style of another latent, in training (Karras et
            al. 2019, section 3.1). Use 0 if z contains codes, which a second latent would contradict.
        classes: number of classes or attributes, whose embedding is concatenated to z; 0 if there are none.
    """

    conditional = True
    mean: Tensor

    def __init__(
        self,
        shape: Shape,
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
        """w per layer, (n, depth, w); mixed in training."""
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
        """Images from w per layer, (n, depth, w). The image of a stage uses the w of the layer after it."""
        x, image = self.constant.expand(w.shape[0], -1, -1, -1), None
        for k, stage in enumerate(self.stages):
            x, added = stage(x, w[:, max(0, 2 * k - 1) :])
            image = added if image is None else upsample(image) + added
        assert image is not None
        return image


class ResidualDown(Stage):
    """x (n, i, 2h, 2w) → (n, o, h, w): a residual block that preserves variance (section 4.1)."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.keep, self.halve = EqualisedConv(i, i, 3, gain=RECTIFIED), EqualisedConv(i, o, 3, stride=2, padding=0)
        self.shortcut = EqualisedConv(i, o, 1, bias=False, gain=math.sqrt(1 / 2))

    def forward(self, x: Tensor) -> Tensor:
        branch = self.halve(blur(leaky_relu(self.keep(x), SLOPE), 2))
        # (shortcut + √2 · leaky ReLU) / √2, with the factors in the gains of layers
        return self.shortcut(downsample(x)) + leaky_relu(branch, SLOPE)


class MappedProjection(nn.Module):
    """Features f (n, d), y → logits ⟨f, m(y)⟩/√d, (n, 1), with m(y) a mapped embedding of y: Karras et al. 2020
    (arXiv:2006.06676), without their normalisation of the embedding, which would drop the size of attributes."""

    conditional = True

    def __init__(self, d: int, classes: int, mapping: int):
        super().__init__()
        self.linear, self.classes = EqualisedLinear(d, d), classes
        self.map = nn.Sequential(embedding(classes, d), *mapping_network(d, d, mapping))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.linear(x) * self.map(encode_condition(y, self.classes, x))).sum(1, keepdim=True) / math.sqrt(
            x.shape[1]
        )


class StyleGAN2Critic(ClassedCritic):
    """Images (n, c, h, w), and y (n,) or (n, classes) if there are classes → logits (n, 1).

    Coupled over the batch by `StddevPlane`. Arguments as in the generator; `mapping` is for the class embedding.
    """

    def __init__(self, shape: Shape, width: int = 32, widest: int = 512, classes: int = 0, mapping: int = 8):
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
