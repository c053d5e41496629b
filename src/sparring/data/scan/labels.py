"""Findings of labels: images that look like another class, and classes of few."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages
from sparring.data.scan.images import standardise_features

_FOLDS = 5
_MAX_FITTED = 20_000
"""Images each fold's classifier is fitted on, at most."""
_MIN_PER_CLASS, _MAX_CLASSES = 2 * _FOLDS, 100
"""Images of a class, and classes, for which it is tried."""
_SUSPECT_PROBABILITY = 0.01
"""Probability of the class an image is labelled, below which it is suspected."""
COMPONENTS, LANDMARKS = 64, 600
_IMBALANCE = 10
"""The largest class has so many times the images of one that is called rare."""


def mislabelled(looked: ScannedImages) -> Issue:
    """Images that a classifier which never saw them gives to another class with confidence: confident learning's rule
    (Northcutt et al. 2021, arXiv:1911.00068), and a probability of their own class below .01."""
    tried = checkable(looked.labels, len(looked.names))
    which = others = sure = np.array([], int)
    if looked.labels is not None and len(tried):
        own = looked.labels[tried]
        chances = held_out_probabilities(components(looked.stats.features[tried]), own, len(looked.names))
        found = label_suspects(chances, own)
        found = found[np.argsort(chances[found, own[found]], kind="stable")]
        which, others, sure = tried[found], chances[found].argmax(1), chances[found].max(1)
    where = tuple(
        (looked.where[int(i)], f"looks like class {looked.names[other]} ({p:.0%})")
        for i, other, p in zip(which, others, sure, strict=True)
    )
    what = f"{len(which):,} images look like another class than they are labelled"
    todo = "look at them with --sheet, the likeliest first; spar data prepare --drop mislabelled leaves them out"
    return Issue("mislabelled", what, where, todo, tuple(map(int, which)))


def checkable(labels: np.ndarray | None, classes: int) -> np.ndarray:
    """Indices of the images whose class has enough of them; none unless there are 2 to 100 such classes."""
    if labels is None:
        return np.array([], int)
    large = np.bincount(labels, minlength=classes) >= _MIN_PER_CLASS
    return np.flatnonzero(large[labels]) if 2 <= large.sum() <= _MAX_CLASSES else np.array([], int)


def held_out_probabilities(x: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities (n, classes) by classifiers that were fitted without the fold they are asked for."""
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % _FOLDS  # each class is spread evenly
    chances = np.zeros((len(labels), classes))
    for k in range(_FOLDS):
        taught = np.flatnonzero(fold != k)
        taught = np.random.default_rng(k).permutation(taught)[:_MAX_FITTED]
        chosen = classifier(x, len(taught)).fit(x[taught], labels[taught])
        chances[np.ix_(fold == k, chosen[-1].classes_)] = chosen.predict_proba(x[fold == k])
    return chances


def components(features: np.ndarray) -> np.ndarray:
    """The first principal components of standardised features, float32 (n, at most 64)."""
    centred = standardise_features(features)
    _, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    return np.ascontiguousarray(centred @ vectors[:, ::-1][:, :COMPONENTS])


def classifier(x: np.ndarray, n: int) -> Any:
    """Logistic regression on distances to landmarks, a kernel machine for a set of any size."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    width = 1 / (4 * x.var(0).sum() + 1e-9)
    landmarks = Nystroem(gamma=width, n_components=min(LANDMARKS, n), random_state=0)
    return make_pipeline(landmarks, LogisticRegression(C=10, max_iter=200))


def label_suspects(chances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indices: another class is likelier than it is for those labelled so, on average, and the own class unlikely."""
    own = chances[np.arange(len(labels)), labels]
    usual = np.array([own[labels == c].mean() if (labels == c).any() else 1.0 for c in range(chances.shape[1])])
    other = chances.argmax(1)
    return np.flatnonzero((other != labels) & (chances.max(1) >= usual[other]) & (own < _SUSPECT_PROBABILITY))


def imbalance(looked: ScannedImages) -> Issue:
    """Classes with less than a tenth of the images of the largest."""
    counts = np.bincount(looked.labels, minlength=len(looked.names)).tolist() if looked.labels is not None else []
    return rare_classes(dict(zip(looked.names, counts, strict=False)), "images")


def rare_classes(counts: Mapping[str, int], things: str) -> Issue:
    """The same of these counts by class, the fewest first."""
    most, total = max(counts.values(), default=0), sum(counts.values())
    few = sorted((name for name, n in counts.items() if n * _IMBALANCE < most), key=counts.__getitem__)
    where = tuple((name, f"{counts[name]:,} of {total:,} {things}") for name in few)
    what = f"{len(few):,} classes have less than a tenth of the {things} of the largest"
    return Issue("imbalance", what, where, "gather more of these, or ask a conditional model for them by --label")
