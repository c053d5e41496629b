"""JPEG artefacts on the images' device (ITU-T T.81, annexes A and K): quantised DCT of 8×8 blocks, 4:2:0 chroma.

Entropy coding is lossless and left out. Each image has its own quality.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *((99,) * 8,) * 4,
)  # fmt: skip
"""Quantisation tables K.1 and K.2, for quality 50."""
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """Images (n, c, h, w) in [−1, 1] after JPEG compression at qualities (n, 1), 1 to 100.

    Three channels are RGB; otherwise each channel is compressed like luminance.
    """
    n, c, height, width = x.shape
    whole = pad((x * 127.5 + 127.5).round() - 128, (0, -width % 16, 0, -height % 16), mode="replicate")
    q = quality.to(x).round().clamp(1, 100)
    scale = torch.where(q < 50, 50 / q, 2 - q / 50).view(n, 1, 1, 1, 1, 1)
    if c == 3:
        basis = torch.tensor(TO_YCC).to(x)
        ycc = torch.einsum("kc,nchw->nkhw", basis, whole)
        colour = _quantised(interpolate(ycc[:, 1:], scale_factor=0.5, mode="area"), CHROMINANCE, scale)
        colour = interpolate(colour, scale_factor=2.0, mode="bilinear")
        ycc = torch.cat([_quantised(ycc[:, :1], LUMINANCE, scale), colour], 1)
        whole = torch.einsum("kc,nchw->nkhw", basis.double().inverse().to(x), ycc)
    else:
        whole = _quantised(whole, LUMINANCE, scale)
    return ((whole + 128).round().clamp(0, 255) / 127.5 - 1)[:, :, :height, :width]


def _quantised(x: Tensor, table: tuple[tuple[int, ...], ...], scale: Tensor) -> Tensor:
    """Maps (n, c, 8a, 8b) with the DCT coefficients of their 8×8 blocks quantised by the scaled table."""
    k = torch.arange(8, dtype=torch.float64)
    basis = 0.5 * torch.cos((2 * k + 1) * k[:, None] * math.pi / 16)
    basis[0] /= math.sqrt(2)
    basis = basis.to(x)
    steps = (torch.tensor(table).to(x) * scale).round().clamp(1, 255)
    blocks = x.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4)  # (n, c, a, b, 8, 8)
    quantised = (basis @ blocks @ basis.T / steps).round() * steps
    return (basis.T @ quantised @ basis).transpose(3, 4).flatten(4, 5).flatten(2, 3)
