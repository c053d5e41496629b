"""Self-attention over feature maps: Zhang et al. 2019 (arXiv:1805.08318)."""

from functools import partial

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import xavier_conv


class SelfAttention(nn.Module):
    """x (n, c, h, w) → x + γ·o, the same shape: section 3, eqs. 1 to 3, as the authors' code has it.

    Queries and keys have c/8 channels, values c/2; keys and values are max-pooled to half the sides, rounded up. γ
    starts at 0, so a network starts without attention. All layers are 1×1 convolutions without bias.
    """

    def __init__(self, channels: int):
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        conv = partial(xavier_conv, kernel=1, bias=False)
        self.query, self.key, self.value = conv(channels, narrow), conv(channels, narrow), conv(channels, half)
        self.out, self.gamma = conv(half, channels), nn.Parameter(torch.zeros(()))
        self.pool = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        # Not `scaled_dot_product_attention`: its kernels lack the second derivative that gradient penalties need.
        query, key, value = self.query(x).flatten(2), self.pool(self.key(x)).flatten(2), self.pool(self.value(x))
        weights = (query.mT @ key).softmax(2)  # (n, pixels, pooled pixels)
        attended = value.flatten(2) @ weights.mT
        return x + self.gamma * self.out(attended.unflatten(2, x.shape[2:]))
