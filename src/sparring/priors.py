"""Distributions of random inputs: latents, noise, and the draws of loss terms."""

import math
from itertools import accumulate, pairwise

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.game import Draw

PARTS = ("normal", "categories", "codes", "chance")
"""Of a latent, in order."""


def gaussian(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Noise with the shape of examples, (n, *shape) from N(0, 1)."""
    return torch.randn(n, *shape, generator=generator, device=generator.device)


def uniform(*size: int) -> Draw:
    """Numbers from U[0, 1), (n, *size)."""

    def draw(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.rand(n, *size, generator=generator, device=generator.device)

    return draw


def normal(dim: int) -> Draw:
    """z ~ N(0, I_dim), (n, dim)."""

    def draw(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randn(n, dim, generator=generator, device=generator.device)

    return draw


def latent_prior(dim: int, categories: int = 0, codes: int = 0, noise: int = 0) -> Draw:
    """z = [N(0, I_dim), one of the categories as a one-hot vector, codes from U[−1, 1]]. Chen et al. 2016
    (arXiv:1606.03657), section 7.1. `noise` more numbers from N(0, 1) follow."""

    def draw(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        parts = [normal(dim)(n, shape, generator)]
        if categories:
            which = torch.randint(categories, (n,), generator=generator, device=generator.device)
            parts.append(one_hot(which, categories).float())
        if codes:
            parts.append(2 * torch.rand(n, codes, generator=generator, device=generator.device) - 1)
        if noise:
            parts.append(normal(noise)(n, shape, generator))
        return torch.cat(parts, 1)

    return draw


def latent_slices(dim: int, categories: int = 0, codes: int = 0, noise: int = 0) -> dict[str, slice]:
    """The columns of each part of such a latent: "normal", "categories", "codes", "chance"."""
    ends = list(accumulate((0, dim, categories, codes, noise)))
    return {name: slice(*pair) for name, pair in zip(PARTS, pairwise(ends), strict=True)}


def latent_moments(dim: int, categories: int = 0, codes: int = 0, noise: int = 0) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each number of such a latent, in closed form."""
    sizes, share = (dim, categories, codes, noise), 1 / max(1, categories)
    means, stds = (0.0, share, 0.0, 0.0), (1.0, math.sqrt(share * (1 - share)), math.sqrt(1 / 3), 1.0)
    mean, std = (torch.cat([torch.full((n,), x) for n, x in zip(sizes, xs, strict=True)]) for xs in (means, stds))
    return mean, std
