"""Checks of single images: blank, tiny, outliers."""

import numpy as np
import torch

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_BLANK = 1.0
"""Standard deviation, of 255, up to which an image is blank."""
_MAX_ENLARGEMENT = 2
"""Factor of enlargement above which an image is tiny."""
_NEIGHBOUR, _SEARCHED = 5, 20_000
"""Which nearest neighbour's distance ranks outliers, and the number of images searched, at most."""
_OUTLIER_DISTANCE = 3.5
"""Outliers are farther than the median by this many gaps between median and upper quartile, in log distance."""
_MIN_IMAGES = 50
"""Images needed to look for outliers."""


def blank(images: ScannedImages) -> Issue:
    """Images of a single colour."""
    which = np.flatnonzero(images.stats.spreads <= _BLANK)
    where = tuple((images.where[i], f"standard deviation {images.stats.spreads[i]:.1f} of 255") for i in which.tolist())
    what = f"{len(which):,} images are of a single colour"
    return Issue("blank", what, where, "spar data prepare --drop blank leaves them out", tuple(map(int, which)))


def tiny(images: ScannedImages) -> Issue:
    """Images with a side below half the training size."""
    height, width = images.shape[1:]
    which = [
        i for i, (h, w) in enumerate(images.sizes) if h * _MAX_ENLARGEMENT < height or w * _MAX_ENLARGEMENT < width
    ]
    where = tuple((images.where[i], "{}x{}".format(*images.sizes[i])) for i in which)
    what = (
        f"{len(which):,} images are enlarged more than {_MAX_ENLARGEMENT} times, to {height}x{width}, and blurred by it"
    )
    todo = "train at a smaller --size, or leave them out with spar data prepare --drop tiny"
    return Issue("tiny", what, where, todo, tuple(which))


def outliers(images: ScannedImages) -> Issue:
    """Images far from their 5th nearest neighbour (Ramaswamy et al. 2000) in edge and colour features."""
    distances = neighbour_distances(images.stats.features)
    visible = images.stats.spreads > _BLANK
    limit = np.inf
    if visible.sum() >= _MIN_IMAGES:
        middle, upper = np.quantile(np.log(distances[visible]), [0.5, 0.75])
        limit = np.exp(middle + _OUTLIER_DISTANCE * max(upper - middle, 1e-3))
    which = np.flatnonzero(visible & (distances > limit))
    which = which[np.argsort(-distances[which], kind="stable")]
    usual = np.median(distances[visible]) if visible.any() else 1.0
    where = tuple(
        (images.where[int(i)], f"{distances[i] / usual:.1f} times the median distance to others") for i in which
    )
    what = f"{len(which):,} images are unlike all others"
    todo = "inspect them with --sheet, farthest first; spar data prepare --drop outliers leaves them out"
    return Issue("outliers", what, where, todo, tuple(map(int, which)))


def neighbour_distances(features: np.ndarray) -> np.ndarray:
    """Distance (n,) of features (n, d) to the 5th nearest other, among at most 20,000 random ones."""
    x = torch.from_numpy(standardise_features(features))
    searched = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:_SEARCHED]
    nearest = min(_NEIGHBOUR + 1, len(searched))  # + 1: an image may be its own nearest
    rows = []
    for start in range(0, len(x), 1024):
        block = torch.cdist(x[start : start + 1024], x[searched])
        block[searched[None] == torch.arange(start, start + len(block))[:, None]] = 0
        rows.append(block.topk(nearest, largest=False).values[:, -1])
    return torch.cat(rows).double().clamp_min(1e-9).numpy()


def standardise_features(features: np.ndarray) -> np.ndarray:
    """Features with mean 0 and standard deviation 1; nearly constant ones are shrunk towards 0."""
    return (features - features.mean(0)) / (features.std(0) + 1e-3)
