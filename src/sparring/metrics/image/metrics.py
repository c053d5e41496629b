"""Registry of image metrics."""

from dataclasses import asdict

from torch import Tensor

from sparring.metrics.image.classifier_scores import inception_score, reverse_kl, train_on_synthetic
from sparring.metrics.image.frechet import frechet, frechet_distance
from sparring.metrics.image.frechet_infinity import extrapolate, min_samples
from sparring.metrics.image.kid import MIN_BLOCKS, kernel_distance
from sparring.metrics.image.memorisation import MARGIN, NEIGHBOURS, TAIL, memorisation
from sparring.metrics.image.ms_ssim import WINDOW, ms_ssim_diversity
from sparring.metrics.image.precision_recall import K, overlap
from sparring.metrics.image.sliced_wasserstein import MAX_IMAGES, PATCH, PATCHES, PROJECTIONS, sliced_wasserstein
from sparring.metrics.image.views import Comparison, FeatureSet
from sparring.metrics.metric import FAIR_SHARE, Metric, Requirement, Scores, needs_at_least, too_few

_MAX_COPY_SEARCH = 2_000
"""Samples tested for copies; each is compared with the whole training set."""


def _frechet(case: Comparison) -> Scores:
    return {"frechet": frechet_distance(case.fake.moments, case.real.moments)}


def _infinity(case: Comparison) -> Scores:
    found = extrapolate(case.fake.embedded, case.real.moments)
    return {"frechet_inf": found.value, "frechet_inf_±": found.half_width}


def _kernel(case: Comparison) -> Scores:
    found = kernel_distance(case.fake.embedded, case.real.embedded)
    return {"kid": found.kid, "kid_error": found.error}


def _support(case: Comparison) -> Scores:
    fake, real = case.fake, case.real
    return asdict(overlap(fake.embedded, fake.radii, real.embedded, real.radii))


def _memorisation(case: Comparison) -> Scores:
    found = memorisation(case.fake.embedded[:_MAX_COPY_SEARCH], case.memory())
    return {"copied": found.share, "copied_p": found.p}


def _classes(case: Comparison) -> Scores:
    """Class shares of the real images are predicted too, so that the classifier's errors cancel."""
    guesses, real = (view.probabilities.argmax(1) for view in (case.fake, case.real))
    count = case.real.probabilities.shape[1]
    shares = (real.bincount(minlength=count) + 1) / (len(real) + count)
    hits = guesses.bincount(minlength=count)
    found = int((hits >= FAIR_SHARE * shares * len(guesses)).sum())
    score = inception_score(case.fake.probabilities)
    return {"inception_score": score, "classes": float(found), "class_kl": reverse_kl(guesses, shares)}


def _patches(case: Comparison) -> Scores:
    levels = sliced_wasserstein(case.fake.values, case.real.values)
    return {"swd": 1e3 * sum(levels) / len(levels)}


def _ms_ssim(case: Comparison) -> Scores:
    return {"likeness": ms_ssim_diversity(case.fake.values)}


def _conditional(case: Comparison) -> Scores:
    fake, real = case.fake, case.real
    assert fake.labels is not None and real.labels is not None
    hits = (fake.probabilities.argmax(1) == fake.labels).double().mean()
    return {"class_accuracy": float(hits), "class_frechet": intra_class(fake, real)}


def _train_on_synthetic(case: Comparison) -> Scores:
    fake, real = case.fake, case.real
    assert fake.labels is not None and real.labels is not None
    return {"taught": train_on_synthetic(fake.values, fake.labels, real.values, real.labels)}


def intra_class(fake: FeatureSet, real: FeatureSet) -> float:
    """Mean Fréchet distance within classes: Miyato & Koyama 2018 (arXiv:1802.05637), section 6."""
    assert fake.labels is not None and real.labels is not None
    found = [frechet(fake.embedded[a], real.embedded[b]) for a, b in _common(fake.labels, real.labels)]
    return sum(found) / len(found)


def _lacks_classes(case: Comparison, samples: int) -> str:
    known = "" if case.fake.features.head else "needs a classifier: use --features task, or leave out this metric"
    return known or too_few(10, samples)


def _lacks_labels(case: Comparison, samples: int) -> str:
    if case.fake.labels is None or case.real.labels is None:
        return "needs a conditional model of labelled data, such as cgan: leave out this metric"
    if not _common(case.fake.labels, case.real.labels):
        return "needs a class with two samples and two real images: draw more samples, or leave out this metric"
    return _lacks_classes(case, samples)


def _common(fake: Tensor, real: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Masks, bool (n,) and (m,), of each class with two or more members in both."""
    pairs = [(fake == c, real == c) for c in real.unique()]
    return [(a, b) for a, b in pairs if a.sum() > 1 and b.sum() > 1]


def lacks_size(side: int) -> Requirement:
    """Requires images of at least this side."""

    def lack(case: Comparison, samples: int) -> str:
        small = min(case.fake.values.shape[2:]) < side
        return f"needs images of {side}×{side} or larger: leave out this metric" if small else ""

    return lack


def _lacks_rank(case: Comparison, samples: int) -> str:
    return too_few(min_samples(case.real.embedded.shape[1]), samples)


IMAGE_METRICS = {
    "frechet": Metric("Fréchet distance, ddof 1", {"frechet": "less"}, _frechet),
    "frechet-infinity": Metric(
        "Fréchet distance regressed on 1/n over 1, 2, 4 parts, ± of 95 % by jackknife",
        {"frechet_inf": "less", "frechet_inf_±": "neither"},
        _infinity,
        _lacks_rank,
    ),
    "kernel": Metric(
        "kernel distance, (xᵀy/d + 1)³, in blocks of 1,000 or a quarter, standard error over them",
        {"kid": "less", "kid_error": "neither"},
        _kernel,
        needs_at_least(2 * MIN_BLOCKS),
    ),
    "support": Metric(
        f"precision, recall, density, coverage with k = {K}, strict",
        {"precision": "more", "recall": "more", "density": "more", "coverage": "more"},
        _support,
        needs_at_least(K + 1),
    ),
    "memorisation": Metric(
        f"copied: of the first {_MAX_COPY_SEARCH:,}, nearest / {NEIGHBOURS + 1}th training distance below {MARGIN:g} × "
        f"the {TAIL:.0%} quantile of held-out images', "
        "p by Fisher's exact test",
        {"copied": "neither", "copied_p": "neither"},
        _memorisation,
    ),
    "conditional": Metric(
        "class accuracy: by the classifier; class Fréchet: mean over classes of the distance within each",
        {"class_accuracy": "more", "class_frechet": "less"},
        _conditional,
        _lacks_labels,
    ),
    "taught": Metric(
        "taught: accuracy on real images of a classifier fitted to the samples in 500 steps",
        {"taught": "more"},
        _train_on_synthetic,
        _lacks_labels,
    ),
    "classes": Metric(
        "inception score in 10 splits, classes found with ≥ ¼ of their share, KL(samples ‖ real) over guessed classes",
        {"inception_score": "more", "classes": "more", "class_kl": "less"},
        _classes,
        _lacks_classes,
    ),
    "patches": Metric(
        f"sliced Wasserstein distance × 1000 of Karras et al. 2018: {PATCHES} patches of 7×7 of at most {MAX_IMAGES:,} "
        f"images, {PROJECTIONS} directions, mean of the Laplacian levels",
        {"swd": "less"},
        _patches,
        lacks_size(PATCH),
    ),
    "likeness": Metric("MS-SSIM of 2,000 pairs of samples", {"likeness": "as real"}, _ms_ssim, lacks_size(WINDOW)),
}

DEFAULT_IMAGE_METRICS = ("frechet", "kernel", "support", "memorisation", "conditional")
