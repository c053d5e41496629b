"""Dropout whose random numbers cost less on a CPU: Srivastava et al. 2014 (JMLR 15)."""

import torch
from torch import Tensor, nn
from torch.compiler import is_compiling

LEVELS = 1 << 16
"""Of a random number of 16 bits: a share is kept to 1/65,536."""


class Dropout(nn.Dropout):
    """In training each value is 0 with probability p, and 1/(1 − p) times itself otherwise.

    PyTorch draws a number for each value, one after the other on one core: a sixth of the MLP GAN's round on one core.
    Here four values share 64 bits. Elsewhere than on a CPU, and compiled, it is PyTorch's. Raises ValueError for
    a p that is no share.
    """

    def forward(self, input: Tensor) -> Tensor:
        x = input
        if not self.training or not 0 < self.p < 1 or x.device.type != "cpu" or is_compiling():
            return super().forward(x)
        bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        kept = bits.view(torch.int16)[: x.numel()].view(x.shape) >= round(self.p * LEVELS) - LEVELS // 2
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))
