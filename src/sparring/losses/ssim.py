"""Structural similarity: Wang et al. 2004 (IEEE Transactions on Image Processing 13, 600-612), eq. 13."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """SSIM of float images (n, c, h, w) in [0, 255], (n,) in [−1, 1]; 11×11 window, smaller for smaller images."""
    luminance, contrast = ssim_maps(x, y)
    return (luminance * contrast).mean((1, 2, 3))


def ssim_maps(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of the luminance and of the contrast-structure term, at every position of the window."""
    side = min(WINDOW, *x.shape[2:])
    at = torch.arange(side, dtype=x.dtype, device=x.device) - (side - 1) / 2
    row = torch.exp(-at.square() / (2 * SIGMA**2))
    row = row / row.sum()
    kernel = (row[:, None] * row).expand(x.shape[1], 1, side, side)
    mean = lambda z: conv2d(z, kernel, groups=x.shape[1])  # noqa: E731
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return (2 * mx * my + C1) / (mx * mx + my * my + C1), (2 * vxy + C2) / (vx + vy + C2)
