"""SSIM (Wang et al. 2004), MS-SSIM (Wang et al. 2003), and diversity by MS-SSIM.

Diversity: Odena et al. 2017 (arXiv:1610.09585), section 4.2.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sparring.losses.ssim import WINDOW, ssim_maps
from sparring.losses.ssim import ssim as ssim_of_floats

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first."""
_PAIRS = 2_000


def scales(side: int) -> int:
    """Number of scales, at most five, at which an image of this side is at least as large as the window."""
    return max(1, sum(side >= WINDOW * 2**i for i in range(len(_WEIGHTS))))


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """MS-SSIM (n,) in [0, 1] of images (n, c, h, w) in 0…255, uint8 or float, with sides of 11 or more.

    Small images have fewer than five scales, with renormalised weights.
    """
    x, y = x.double(), y.double()
    count = scales(min(x.shape[2:]))
    weights = torch.tensor(_WEIGHTS[:count], dtype=torch.float64)
    product = torch.ones(len(x), dtype=torch.float64)
    for i, weight in enumerate(weights / weights.sum()):
        if i:
            x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
        luminance, contrast = ssim_maps(x, y)
        factor = luminance * contrast if i == count - 1 else contrast
        product = product * factor.mean((1, 2, 3)).clamp(min=0) ** weight
    return product


def ssim_of_pixels(x: Tensor, y: Tensor) -> Tensor:
    """SSIM (n,) in [−1, 1] of images (n, c, h, w) in 0…255, uint8 or float, with sides of 11 or more."""
    return ssim_of_floats(x.double(), y.double())


def ms_ssim_diversity(images: Tensor, seed: int = 0) -> float:
    """Mean MS-SSIM of 2,000 random pairs of images (n, c, h, w): 1 if all are equal; compare with real images."""
    g = torch.Generator().manual_seed(seed)
    first = torch.randint(len(images), (_PAIRS,), generator=g)
    other = (first + torch.randint(1, len(images), (_PAIRS,), generator=g)) % len(images)
    pairs = zip(first.split(200), other.split(200), strict=True)
    return float(torch.cat([ms_ssim(images[i], images[j]) for i, j in pairs]).mean())
