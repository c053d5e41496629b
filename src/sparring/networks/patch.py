"""Patch critics: Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.2.

At several scales: Wang et al. 2018 (arXiv:1711.11585), section 3.2.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from sparring.errors import UserError
from sparring.game import CriticOutput
from sparring.networks.layers.blocks import NORMS, Norm, dcgan_init
from sparring.networks.layers.sizes import Shape, channel_widths

PATCH_NORMS = NORMS | {"instance": Norm(after=nn.InstanceNorm2d)}
SMALLEST = 4
"""Least side of the map before the logits."""


class PatchCritic(nn.Module):
    """Images (n, c + inputs, h, w) → logits (n, patches), with the maps of all layers as extras.

    The receptive field of a logit is 70×70 pixels with three layers, 34×34 with two.

    Args:
        inputs: channels of the condition, concatenated to the image.
        width: channels of the first halved map; each smaller map has twice as many, at most 8·width.
        layers: halvings; fewer if the image is too small.
        scales: critics, each of an image half as large as the previous one's.
        norm: "instance", or a name of `NORMS`.
    """

    def __init__(
        self, shape: Shape, inputs: int = 0, width: int = 64, layers: int = 3, scales: int = 1, norm: str = "instance"
    ):
        super().__init__()
        if min(shape[1:]) >> (scales - 1) < 2 * SMALLEST:
            raise UserError(
                f"{scales} scales of {shape[1]}×{shape[2]} leave too few pixels: use fewer scales or a larger --size"
            )
        kind = PATCH_NORMS[norm]
        self.critics = nn.ModuleList(
            _stages(shape[0] + inputs, min(shape[1:]) >> scale, width, layers, kind) for scale in range(scales)
        )

    def forward(self, x: Tensor) -> CriticOutput:
        logits, maps = [], {}
        for scale, critic in enumerate(self.critics):
            h = avg_pool2d(x, 1 << scale) if scale else x
            *stages, last = critic.children()
            for i, stage in enumerate(stages):
                h = maps[f"map{scale}.{i}"] = stage(h)
            logits.append(last(h).flatten(1))
        return CriticOutput(torch.cat(logits, 1), maps)


class DomainCritic(PatchCritic):
    """A patch critic with class logits (n, classes) from the mean of its last map: Choi et al. 2018 (arXiv:1711.09020),
    section 3.1."""

    def __init__(self, shape: Shape, classes: int, width: int = 64, layers: int = 3, norm: str = "none"):
        super().__init__(shape, 0, width, layers, 1, norm)
        *_, last = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        self.told = nn.Linear(last.in_channels, classes)  # the name is part of checkpoints

    def forward(self, x: Tensor) -> CriticOutput:
        logits, maps = super().forward(x)
        *_, last = maps.values()
        return CriticOutput(logits, {"class": self.told(last.mean((2, 3)))})


def _stages(channels: int, side: int, width: int, layers: int, kind: Norm) -> nn.Sequential:
    halvings = max(1, min(layers, (side // SMALLEST).bit_length() - 1))
    widths = channel_widths(halvings + 1, width, 8 * width)
    stages = []
    for k, (i, o) in enumerate(pairwise([channels, *widths])):
        conv = nn.Conv2d(i, o, 4, 2 if k < halvings else 1, 1)
        stages.append(nn.Sequential(conv, *([kind.after(o)] if k else []), nn.LeakyReLU(0.2)))
    net = nn.Sequential(*stages, nn.Conv2d(widths[-1], 1, 4, 1, 1))
    net.apply(dcgan_init)
    kind.normalise(net)
    return net
