"""Self-supervised features for unlabelled images, by SimCLR.

Chen et al. 2020 (arXiv:2002.05709), section 2.1. Views are small shifts, rotations, zooms and shears, contrast,
brightness and a masked patch; no mirroring, which changes what a digit is.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, normalize

from sparring.metrics.features.extractors import load_or_fit, minimise, new_classifier
from sparring.metrics.features.features import FeatureExtractor, to_extractor_input

PROJECTED = 64
_BATCH, _STEPS, _LEARNING_RATE = 128, 500, 3e-3
TEMPERATURE = 0.2


def self_features(pixels: Tensor, kept: Path) -> FeatureExtractor:
    """The network after a fixed number of steps on images uint8 (n, c, h, w); loaded from `kept` if present."""
    net = new_classifier(pixels.shape[1], PROJECTED)

    def loss(g: torch.Generator) -> Tensor:
        images = to_extractor_input(pixels[torch.randint(len(pixels), (_BATCH,), generator=g)])
        return nt_xent(net(augment_view(images, g)), net(augment_view(images, g)))

    load_or_fit(net, kept, lambda: minimise(net, loss, _STEPS, _LEARNING_RATE, "fitting the feature extractor, once"))
    return net.features("self", names_classes=False)


def nt_xent(a: Tensor, b: Tensor) -> Tensor:
    """NT-Xent loss (eq. 1) of two views (n, d) of the same n images."""
    n = len(a)
    views = normalize(torch.cat([a, b]), dim=1)
    similarity = views @ views.T / TEMPERATURE
    similarity = similarity.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return cross_entropy(similarity, torch.arange(2 * n).roll(n))


def augment_view(images: Tensor, g: torch.Generator) -> Tensor:
    """A random view of each image (n, c, h, w)."""
    n, h, w = len(images), *images.shape[2:]
    noise = lambda *shape: 2 * torch.rand(n, *shape, generator=g) - 1  # noqa: E731
    warp = torch.eye(2, 3) + torch.cat([0.25 * noise(2, 2), 0.15 * noise(2, 1)], 2)
    warped = grid_sample(
        images, affine_grid(warp, list(images.shape), False), padding_mode="border", align_corners=False
    )
    lit = warped * (1 + 0.4 * noise(1, 1, 1)) + 0.3 * noise(1, 1, 1)
    return lit.masked_fill(_patch(h, noise(1))[:, None, :, None] & _patch(w, noise(1))[:, None, None, :], 0.0)


def _patch(side: int, centre: Tensor) -> Tensor:
    """Mask of a quarter of the side around a centre in [−1, 1], bool (n, side)."""
    return (torch.linspace(-1, 1, side) - centre).abs() < 0.25
