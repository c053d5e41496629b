"""Ways through latent space."""

import torch
from torch import Tensor


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the great circle from a to b, (n, z), at t in [0, 1], (n,): White 2016 (arXiv:1609.04468), section 2.1.

    Between normal latents a straight line would leave the shell they lie on.
    """
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.acos().clamp(min=1e-6)
    towards = torch.stack([((1 - t) * angle).sin(), (t * angle).sin()]) / angle.sin()
    return towards[0, :, None] * a + towards[1, :, None] * b
