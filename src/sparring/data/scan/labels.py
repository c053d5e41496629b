"""Checks of labels: likely wrong labels and class imbalance."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages
from sparring.data.scan.images import standardise_features

_FOLDS = 5
_MAX_FITTED = 20_000
"""Training images per fold, at most."""
_MIN_PER_CLASS, _MAX_CLASSES = 2 * _FOLDS, 100
"""Minimum images per class and maximum number of classes of the mislabel check."""
_SUSPECT_PROBABILITY = 0.01
"""Probability of an image's own class below which its label is suspect."""
COMPONENTS, LANDMARKS = 64, 600
_IMBALANCE = 10
"""A class is rare if the largest has over this many times its images."""


def mislabelled(images: ScannedImages) -> Issue:
    """Images with a likely wrong label, by confident learning (Northcutt et al. 2021, arXiv:1911.00068).

    A cross-validated classifier must be confident in another class and give the image's own class less than 0.01.
    """
    checked = checkable(images.labels, len(images.names))
    which = others = sure = np.array([], int)
    if images.labels is not None and len(checked):
        own = images.labels[checked]
        probabilities = held_out_probabilities(components(images.stats.features[checked]), own, len(images.names))
        found = label_suspects(probabilities, own)
        found = found[np.argsort(probabilities[found, own[found]], kind="stable")]
        which, others, sure = checked[found], probabilities[found].argmax(1), probabilities[found].max(1)
    where = tuple(
        (images.where[int(i)], f"looks like class {images.names[other]} ({p:.0%})")
        for i, other, p in zip(which, others, sure, strict=True)
    )
    what = f"{len(which):,} images look like another class than their label"
    todo = "inspect them with --sheet, likeliest first; spar data prepare --drop mislabelled leaves them out"
    return Issue("mislabelled", what, where, todo, tuple(map(int, which)))


def checkable(labels: np.ndarray | None, classes: int) -> np.ndarray:
    """Indices of images in classes of 10 or more; empty unless there are 2 to 100 such classes."""
    if labels is None:
        return np.array([], int)
    large = np.bincount(labels, minlength=classes) >= _MIN_PER_CLASS
    return np.flatnonzero(large[labels]) if 2 <= large.sum() <= _MAX_CLASSES else np.array([], int)


def held_out_probabilities(x: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Cross-validated class probabilities (n, classes): each fold is predicted by a classifier fitted on the others."""
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % _FOLDS  # stratified
    probabilities = np.zeros((len(labels), classes))
    for k in range(_FOLDS):
        training = np.flatnonzero(fold != k)
        training = np.random.default_rng(k).permutation(training)[:_MAX_FITTED]
        chosen = classifier(x, len(training)).fit(x[training], labels[training])
        probabilities[np.ix_(fold == k, chosen[-1].classes_)] = chosen.predict_proba(x[fold == k])
    return probabilities


def components(features: np.ndarray) -> np.ndarray:
    """First principal components of standardised features, float32 (n, ≤ 64)."""
    centred = standardise_features(features)
    _, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    return np.ascontiguousarray(centred @ vectors[:, ::-1][:, :COMPONENTS])


def classifier(x: np.ndarray, n: int) -> Any:
    """Nyström-approximated kernel logistic regression for `n` training images."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    width = 1 / (4 * x.var(0).sum() + 1e-9)
    landmarks = Nystroem(gamma=width, n_components=min(LANDMARKS, n), random_state=0)
    return make_pipeline(landmarks, LogisticRegression(C=10, max_iter=200))


def label_suspects(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indices of images whose most likely class is another one, with at least that class's mean own probability."""
    own = probabilities[np.arange(len(labels)), labels]
    usual = np.array([own[labels == c].mean() if (labels == c).any() else 1.0 for c in range(probabilities.shape[1])])
    other = probabilities.argmax(1)
    return np.flatnonzero((other != labels) & (probabilities.max(1) >= usual[other]) & (own < _SUSPECT_PROBABILITY))


def imbalance(images: ScannedImages) -> Issue:
    """Classes with less than a tenth of the largest class's images."""
    counts = np.bincount(images.labels, minlength=len(images.names)).tolist() if images.labels is not None else []
    return rare_classes(dict(zip(images.names, counts, strict=False)), "images")


def rare_classes(counts: Mapping[str, int], things: str) -> Issue:
    """Issue for classes with less than a tenth of the largest count, smallest first; `things` is the plural noun."""
    most, total = max(counts.values(), default=0), sum(counts.values())
    rare = sorted((name for name, n in counts.items() if n * _IMBALANCE < most), key=counts.__getitem__)
    where = tuple((name, f"{counts[name]:,} of {total:,} {things}") for name in rare)
    what = f"{len(rare):,} classes have less than a tenth of the largest class's {things}"
    return Issue("imbalance", what, where, "collect more of these, or sample them from a conditional model by --label")
