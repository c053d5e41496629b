"""Sliced Wasserstein distance of image patches: Karras et al. 2018 (arXiv:1710.10196), section 5."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad, unfold

PATCH, PATCHES = 7, 64
"""Patch side, and patches drawn per image and level."""
PROJECTIONS = 256
_MAX_IMAGES = 2_048
"""Images used of each set, at most."""
_COARSEST = 16
"""Side of the coarsest level."""


def sliced_wasserstein(fake: Tensor, real: Tensor, seed: int = 0) -> list[float]:
    """Distance per level of the Laplacian pyramid, finest first, of images uint8 (n, c, h, w) and (m, c, h, w).

    Uses equally many images of both sets, at most 2,048, with sides of 7 or more. Patches are standardised per channel
    over the whole set, so that levels measure local texture, not colour.
    """
    n = min(len(fake), len(real), _MAX_IMAGES)
    g = torch.Generator().manual_seed(seed)
    levels = zip(_pyramid(fake[:n]), _pyramid(real[:n]), strict=True)
    return [projected(_patches(a, g), _patches(b, g), g) for a, b in levels]


def projected(a: Tensor, b: Tensor, g: torch.Generator) -> float:
    """Sliced Wasserstein-1 distance of a (n, d) and b (n, d) over 256 random directions."""
    directions = torch.randn(PROJECTIONS, a.shape[1], generator=g)
    directions = directions / directions.norm(dim=1, keepdim=True)
    return float(sum(_between(a, b, part) for part in directions.split(32)) / PROJECTIONS)


def _between(a: Tensor, b: Tensor, directions: Tensor) -> Tensor:
    return ((a @ directions.T).sort(0).values - (b @ directions.T).sort(0).values).abs().mean(0).sum()


def _pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian levels, float32; the last one is the low-pass residual."""
    x, levels = images.float(), []
    while min(x.shape[2:]) >= 2 * _COARSEST and not any(side % 2 for side in x.shape[2:]):
        half = _blurred(x)[:, :, ::2, ::2]
        levels.append(x - _blurred(interpolate(half, scale_factor=2.0, mode="nearest")))
        x = half
    return [*levels, x]


def _blurred(x: Tensor) -> Tensor:
    """Binomial filter 1 4 6 4 1 with reflection padding."""
    row = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = (row[:, None] * row).expand(x.shape[1], 1, 5, 5)
    return conv2d(pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=x.shape[1])


def _patches(x: Tensor, g: torch.Generator) -> Tensor:
    """Random patches (n · PATCHES, c · 49), standardised per channel."""
    _, c, h, w = x.shape
    count = (h - PATCH + 1) * (w - PATCH + 1)
    chunks = []
    for chunk in x.split(200):
        place = torch.randint(count, (len(chunk), 1, PATCHES), generator=g).expand(-1, c * PATCH**2, -1)
        chunks.append(unfold(chunk, PATCH).gather(2, place).transpose(1, 2).reshape(-1, c, PATCH**2))
    found = torch.cat(chunks)
    spread = found.std((0, 2), keepdim=True).clamp(min=1e-6)
    return ((found - found.mean((0, 2), keepdim=True)) / spread).flatten(1)
