"""Perceptual path length: Karras et al. 2019 (arXiv:1812.04948), section 4.1."""

import torch

from sparring.metrics.features.features import FeatureExtractor
from sparring.models.model import CHUNK, Model

STEP = 1e-3
"""ε: small against the path, large against the rounding of float32."""
TRIMMED = 0.01
"""Share of the shortest lengths, and of the longest, that are discarded."""


@torch.no_grad()
def path_length(model: Model, features: FeatureExtractor, n: int = 2_000, seed: int = 0, space: str = "z") -> float:
    """E ‖f(G(w_t)) − f(G(w_{t+ε}))‖² / ε², w_t between two latents of a space, t uniform, f the features.

    Lower is smoother; 0 is a model with a single sample. Paths in z are great circles, and those in w are straight.
    """
    g, latents = torch.Generator().manual_seed(seed), model.spaces[space]
    squares = []
    for k in range(-(-n // CHUNK)):
        (z, *condition), (other, *_) = model.draw_inputs(seed, 2 * k), model.draw_inputs(seed, 2 * k + 1)
        a, b = latents.from_z(z, *condition), latents.from_z(other, *condition)
        t = torch.rand(len(z), generator=g).to(z) * (1 - STEP)
        path = [latents.make(latents.interpolate(a, b, at), *condition) for at in (t, t + STEP)]
        start, end = (features.body(samples.cpu()).double() for samples in path)
        squares.append((start - end).square().sum(1) / STEP**2)
    lengths = torch.cat(squares)[:n]
    low, high = lengths.quantile(TRIMMED), lengths.quantile(1 - TRIMMED)
    return float(lengths[(lengths >= low) & (lengths <= high)].mean())
