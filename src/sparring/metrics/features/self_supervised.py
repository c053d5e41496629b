"""Features for data without labels: a small network that has learnt to know an image again after it was changed.

Two changed views of each image must lie nearer to each other than to all other views of the batch: Chen et al. 2020
(arXiv:2002.05709), section 2.1. Changes are small shifts, turns, zooms and shears, contrast, brightness and a hidden
patch; no mirroring, for a mirrored digit is another thing.
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
    """The network after a fixed number of steps on these images, uint8 (n, c, h, w); read from `kept` if there."""
    net = new_classifier(pixels.shape[1], PROJECTED)

    def loss(g: torch.Generator) -> Tensor:
        images = to_extractor_input(pixels[torch.randint(len(pixels), (_BATCH,), generator=g)])
        return nt_xent(net(augment_view(images, g)), net(augment_view(images, g)))

    load_or_fit(net, kept, lambda: minimise(net, loss, _STEPS, _LEARNING_RATE, "fitting features to the images, once"))
    return net.features("self", names_classes=False)


def nt_xent(a: Tensor, b: Tensor) -> Tensor:
    """The paper's NT-Xent loss (eq. 1) of two views (n, d) of the same n images."""
    n = len(a)
    views = normalize(torch.cat([a, b]), dim=1)
    likeness = views @ views.T / TEMPERATURE
    likeness = likeness.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return cross_entropy(likeness, torch.arange(2 * n).roll(n))


def augment_view(images: Tensor, g: torch.Generator) -> Tensor:
    """Another view of each image (n, c, h, w)."""
    n, h, w = len(images), *images.shape[2:]
    noise = lambda *shape: 2 * torch.rand(n, *shape, generator=g) - 1  # noqa: E731
    warp = torch.eye(2, 3) + torch.cat([0.25 * noise(2, 2), 0.15 * noise(2, 1)], 2)
    moved = grid_sample(
        images, affine_grid(warp, list(images.shape), False), padding_mode="border", align_corners=False
    )
    lit = moved * (1 + 0.4 * noise(1, 1, 1)) + 0.3 * noise(1, 1, 1)
    return lit.masked_fill(_patch(h, noise(1))[:, None, :, None] & _patch(w, noise(1))[:, None, None, :], 0.0)


def _patch(side: int, centre: Tensor) -> Tensor:
    """Whether each row is hidden, (n, side): a quarter of the side about a centre in [−1, 1]."""
    return (torch.linspace(-1, 1, side) - centre).abs() < 0.25
