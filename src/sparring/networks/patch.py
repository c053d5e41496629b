"""A critic of patches: Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.2; at several scales: Wang et al. 2018
(arXiv:1711.11585), section 3.2. It tells what each layer made of an image beside its logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from sparring.errors import UserError
from sparring.game import CriticOutput
from sparring.networks.layers.blocks import NORMS, Norm, dcgan_init
from sparring.networks.layers.sizes import channel_widths

PATCH_NORMS = NORMS | {"instance": Norm(after=nn.InstanceNorm2d)}
SMALLEST = 4
"""The least side of a map that logits are made of."""


class PatchCritic(nn.Module):
    """Images (n, c + inputs, h, w) → logits (n, patches), each of a patch: 70×70 pixels by three layers, 34×34 by two.

    Args:
        inputs: channels of what stands beside the image.
        width: channels of the first halved map; each smaller one has twice as many, 8 times as many at most.
        layers: halvings; fewer where the image is too small.
        scales: critics, each of an image half as large as the one before sees.
        norm: "instance", or a name of `layers.NORMS`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        inputs: int = 0,
        width: int = 64,
        layers: int = 3,
        scales: int = 1,
        norm: str = "instance",
    ):
        super().__init__()
        if min(shape[1:]) >> (scales - 1) < 2 * SMALLEST:
            raise UserError(f"{scales} scales of {shape[1]}×{shape[2]} leave too few pixels: take fewer, or --size")
        kind = PATCH_NORMS[norm]
        self.critics = nn.ModuleList(
            _stages(shape[0] + inputs, min(shape[1:]) >> scale, width, layers, kind) for scale in range(scales)
        )

    def forward(self, x: Tensor) -> CriticOutput:
        logits, maps = [], {}
        for scale, critic in enumerate(self.critics):
            seen = avg_pool2d(x, 1 << scale) if scale else x
            *stages, last = critic.children()
            for i, stage in enumerate(stages):
                seen = maps[f"map{scale}.{i}"] = stage(seen)
            logits.append(last(seen).flatten(1))
        return CriticOutput(torch.cat(logits, 1), maps)


class DomainCritic(PatchCritic):
    """The same, telling an image's class (n, classes) of what its last layer saw everywhere: Choi et al. 2018
    (arXiv:1711.09020), section 3.1."""

    def __init__(self, shape: Sequence[int], classes: int, width: int = 64, layers: int = 3, norm: str = "none"):
        super().__init__(shape, 0, width, layers, 1, norm)
        *_, last = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        self.told = nn.Linear(last.in_channels, classes)

    def forward(self, x: Tensor) -> CriticOutput:
        logits, maps = super().forward(x)
        *_, last = maps.values()
        return CriticOutput(logits, {"class": self.told(last.mean((2, 3)))})


def _stages(channels: int, side: int, width: int, layers: int, kind: Norm) -> nn.Sequential:
    halvings = max(1, min(layers, (side // SMALLEST).bit_length() - 1))
    widths = channel_widths(halvings + 1, width, 8 * width)
    stages = []
    for k, (i, o) in enumerate(zip([channels, *widths], widths, strict=False)):
        conv = nn.Conv2d(i, o, 4, 2 if k < halvings else 1, 1)
        stages.append(nn.Sequential(conv, *([kind.after(o)] if k else []), nn.LeakyReLU(0.2)))
    net = nn.Sequential(*stages, nn.Conv2d(widths[-1], 1, 4, 1, 1))
    net.apply(dcgan_init)
    for layer in list(net.modules()):  # a norm of weights takes over what was initialised
        if isinstance(layer, nn.Conv2d):
            kind.layer(layer)
    return net
