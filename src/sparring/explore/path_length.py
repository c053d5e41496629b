"""How smoothly samples change with the latent: perceptual path length, Karras et al. 2019 (arXiv:1812.04948), 4.1."""

import torch

from sparring.explore.interpolate import slerp
from sparring.metrics.features.features import Features
from sparring.models.model import CHUNK, Model

STEP = 1e-3
"""ε: short against the path, long against the rounding of float32."""
TRIMMED = 0.01
"""Share of the shortest, and of the longest, that are left out."""


@torch.no_grad()
def path_length(model: Model, features: Features, n: int = 2_000, seed: int = 0) -> float:
    """E ‖f(G(z_t)) − f(G(z_{t+ε}))‖² / ε², z_t on the great circle between two latents, t uniform, f the features.

    Lower is smoother, and 0 is a model that always makes the same.
    """
    g = torch.Generator().manual_seed(seed)
    normal = model.spec.recipe.z  # categories and codes behind it stay
    found = []
    for k in range(-(-n // CHUNK)):
        (a, *given), (b, *_) = model.draw_inputs(seed, 2 * k), model.draw_inputs(seed, 2 * k + 1)
        t = torch.rand(len(a), generator=g).to(a) * (1 - STEP)
        ways = [torch.cat([slerp(a[:, :normal], b[:, :normal], at), a[:, normal:]], 1) for at in (t, t + STEP)]
        ends = [features.body(model.forward([z, *given]).cpu()).double() for z in ways]
        found.append((ends[0] - ends[1]).square().sum(1) / STEP**2)
    lengths = torch.cat(found)[:n]
    low, high = lengths.quantile(TRIMMED), lengths.quantile(1 - TRIMMED)
    return float(lengths[(lengths >= low) & (lengths <= high)].mean())
