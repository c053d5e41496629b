"""Pix2pix's U-Net: Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.1.

Instance norm replaces the paper's batch norm of batches of 1, so that training and evaluation agree. Images of any size
are padded to a multiple of 2^levels; the output is cropped.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import dcgan_init
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.sizes import Shape, channel_widths, pad_to_multiple


class UNet(nn.Module):
    """Images (n, inputs, h, w) in [−1, 1] → images (n, c, h, w) in [−1, 1].

    Args:
        inputs: input channels; 0 for as many as output channels.
        width: channels of the first halved map; each smaller map has twice as many, at most `widest`.
        levels: halvings; 0: until the shorter side is 1 or 2.
        dropout: probability, after the three smallest maps on the way up.
    """

    grain, reach = 1, None

    def __init__(
        self, shape: Shape, inputs: int = 0, width: int = 64, widest: int = 512, levels: int = 0, dropout: float = 0.5
    ):
        super().__init__()
        depth = levels or max(1, min(shape[1:]).bit_length() - 1)
        widths = channel_widths(depth, width, widest)
        self.unit = 1 << depth
        self.down = nn.ModuleList(
            _down(i, o, first=k == 0, last=k == depth - 1)
            for k, (i, o) in enumerate(pairwise([inputs or shape[0], *widths]))
        )
        outs = [shape[0], *widths]
        self.up = nn.ModuleList(
            _up(widths[k] * (1 if k == depth - 1 else 2), outs[k], last=k == 0, dropout=dropout * (k >= depth - 3))
            for k in reversed(range(depth))
        )
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = pad_to_multiple(x, self.unit)
        maps: list[Tensor] = []
        for down in self.down:
            x = down(x)
            maps.append(x)
        x = self.up[0](maps.pop())
        for up in self.up[1:]:
            x = up(torch.cat([x, maps.pop()], 1))
        return x[:, :, :height, :width].tanh()


def _down(i: int, o: int, first: bool, last: bool) -> nn.Module:
    """No norm after the image's layer, nor on the smallest map, which may be a single pixel."""
    norm = [] if first or last else [nn.InstanceNorm2d(o)]
    return nn.Sequential(*([] if first else [nn.LeakyReLU(0.2)]), nn.Conv2d(i, o, 4, 2, 1), *norm)


def _up(i: int, o: int, last: bool, dropout: float) -> nn.Module:
    end = [] if last else [nn.InstanceNorm2d(o), Dropout(dropout)]
    return nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(i, o, 4, 2, 1), *end)
