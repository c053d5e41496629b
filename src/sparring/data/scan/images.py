"""Findings of single images: blank, tiny, unlike all others."""

import numpy as np
import torch

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages

_BLANK = 1.0
"""The standard deviation, of 255, up to which an image shows nothing."""
_MAX_ENLARGEMENT = 2
"""Times a side must be enlarged for an image to be tiny."""
_NEIGHBOUR, _SEARCHED = 5, 20_000
"""The neighbour whose distance tells outliers, and images it is looked for among, at most."""
_OUTLIER_DISTANCE = 3.5
"""Times the distance from the median to the upper quartile, of logarithms, that is far."""
_MIN_IMAGES = 50
"""Images that can have outliers."""


def blank(looked: ScannedImages) -> Issue:
    which = np.flatnonzero(looked.stats.spreads <= _BLANK)
    where = tuple(
        (looked.where[i], f"its pixels deviate by {looked.stats.spreads[i]:.1f} of 255") for i in which.tolist()
    )
    what = f"{len(which):,} images show nothing but one colour"
    return Issue("blank", what, where, "spar data prepare --drop blank leaves them out", tuple(map(int, which)))


def tiny(looked: ScannedImages) -> Issue:
    """Those with a side below half the size they are brought to."""
    height, width = looked.shape[1:]
    which = [
        i for i, (h, w) in enumerate(looked.sizes) if h * _MAX_ENLARGEMENT < height or w * _MAX_ENLARGEMENT < width
    ]
    where = tuple((looked.where[i], "{}x{}".format(*looked.sizes[i])) for i in which)
    what = (
        f"{len(which):,} images are enlarged more than {_MAX_ENLARGEMENT} times, to {height}x{width}: they are blurred"
    )
    todo = "train at a smaller --size, or leave them out with spar data prepare --drop tiny"
    return Issue("tiny", what, where, todo, tuple(which))


def outliers(looked: ScannedImages) -> Issue:
    """Those far from their 5th neighbour (Ramaswamy et al. 2000), by edges and colours."""
    distances = neighbour_distances(looked.stats.features)
    shown = looked.stats.spreads > _BLANK
    limit = np.inf
    if shown.sum() >= _MIN_IMAGES:
        middle, upper = np.quantile(np.log(distances[shown]), [0.5, 0.75])
        limit = np.exp(middle + _OUTLIER_DISTANCE * max(upper - middle, 1e-3))
    which = np.flatnonzero(shown & (distances > limit))
    which = which[np.argsort(-distances[which], kind="stable")]
    usual = np.median(distances[shown]) if shown.any() else 1.0
    where = tuple(
        (looked.where[int(i)], f"{distances[i] / usual:.1f} times as far from others as is usual") for i in which
    )
    what = f"{len(which):,} images are unlike all others"
    todo = "look at them with --sheet, the strangest first; spar data prepare --drop outliers leaves them out"
    return Issue("outliers", what, where, todo, tuple(map(int, which)))


def neighbour_distances(features: np.ndarray) -> np.ndarray:
    """float (n, d) → (n,): to the 5th nearest other, among 20,000 at random."""
    x = torch.from_numpy(standardise_features(features))
    among = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:_SEARCHED]
    nearest = min(_NEIGHBOUR + 1, len(among))  # an image is its own nearest, if it is among them
    rows = []
    for start in range(0, len(x), 1024):
        block = torch.cdist(x[start : start + 1024], x[among])
        block[among[None] == torch.arange(start, start + len(block))[:, None]] = 0
        rows.append(block.topk(nearest, largest=False).values[:, -1])
    return torch.cat(rows).double().clamp_min(1e-9).numpy()


def standardise_features(features: np.ndarray) -> np.ndarray:
    """At mean 0 and deviation 1, those that hardly vary nearer to 0."""
    return (features - features.mean(0)) / (features.std(0) + 1e-3)
