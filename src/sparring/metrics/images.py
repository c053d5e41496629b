"""The metrics of images. The dict is the registry; a new metric is one function and one entry."""

from dataclasses import asdict

from sparring.errors import UserError
from sparring.metrics.classified import inception_score, reverse_kl
from sparring.metrics.extrapolated import extrapolate, least
from sparring.metrics.frechet import distance
from sparring.metrics.kernel import FEWEST, kernel
from sparring.metrics.memorisation import FELLOWS, memorisation
from sparring.metrics.metric import Metric, Scores
from sparring.metrics.sliced import PATCH, sliced_wasserstein
from sparring.metrics.ssim import WINDOW, likeness
from sparring.metrics.support import K, overlap
from sparring.metrics.views import Case

COPIES = 2_000
"""Samples searched for copies: every one is compared with all that was trained on."""


def _frechet(case: Case) -> Scores:
    return {"frechet": distance(case.fake.moments, case.real.moments)}


def _infinity(case: Case) -> Scores:
    found = extrapolate(case.fake.embedded, case.real.moments)
    return {"frechet_inf": found.value, "frechet_inf_±": found.half_width}


def _kernel(case: Case) -> Scores:
    found = kernel(case.fake.embedded, case.real.embedded)
    return {"kid": found.kid, "kid_error": found.error}


def _support(case: Case) -> Scores:
    fake, real = case.fake, case.real
    return asdict(overlap(fake.embedded, fake.radii, real.embedded, real.radii))


def _memorisation(case: Case) -> Scores:
    found = memorisation(case.fake.embedded[:COPIES], case.memory())
    return {"copied": found.share, "copied_p": found.p}


def _classes(case: Case) -> Scores:
    """Shares of the classes are the classifier's own guess of the real images, so that its errors cancel."""
    guesses, real = (view.probabilities.argmax(1) for view in (case.fake, case.real))
    count = case.real.probabilities.shape[1]
    shares = (real.bincount(minlength=count) + 1) / (len(real) + count)
    hits = guesses.bincount(minlength=count)
    found = int((hits >= 0.25 * shares * len(guesses)).sum())
    score = inception_score(case.fake.probabilities)
    return {"inception_score": score, "classes": float(found), "class_kl": reverse_kl(guesses, shares)}


def _patches(case: Case) -> Scores:
    _fit("patches", case, PATCH)
    levels = sliced_wasserstein(case.fake.values, case.real.values)
    return {"swd": 1e3 * sum(levels) / len(levels)}


def _likeness(case: Case) -> Scores:
    _fit("likeness", case, WINDOW)
    return {"likeness": likeness(case.fake.values)}


def _fit(name: str, case: Case, side: int) -> None:
    if min(case.fake.values.shape[2:]) < side:
        raise UserError(f"{name} looks through windows of {side}×{side}, and images are smaller: leave it out")


def _dimensions(case: Case) -> int:
    return case.real.embedded.shape[1]


IMAGES = {
    "frechet": Metric("Fréchet distance, ddof 1", {"frechet": "less"}, _frechet),
    "frechet-infinity": Metric(
        "Fréchet distance regressed on 1/n over 1, 2, 4 parts, ± of 95 % by jackknife",
        {"frechet_inf": "less", "frechet_inf_±": "neither"},
        _infinity,
        lambda case: least(_dimensions(case)),
    ),
    "kernel": Metric(
        "kernel distance, (xᵀy/d + 1)³, in blocks of 1,000 or a quarter, standard error over them",
        {"kid": "less", "kid_error": "neither"},
        _kernel,
        lambda case: 2 * FEWEST,
    ),
    "support": Metric(
        f"precision, recall, density, coverage with k = {K}, strict",
        {"precision": "more", "recall": "more", "density": "more", "coverage": "more"},
        _support,
        lambda case: K + 1,
    ),
    "memorisation": Metric(
        f"copied: of the first {COPIES:,}, nearest / {FELLOWS + 1}th training distance among the held-out last 1 %, "
        "p by Fisher's exact test",
        {"copied": "neither", "copied_p": "neither"},
        _memorisation,
    ),
    "classes": Metric(
        "inception score in 10 splits, classes found with ≥ ¼ of their share, KL(samples ‖ real) over guessed classes",
        {"inception_score": "more", "classes": "more", "class_kl": "less"},
        _classes,
        lambda case: 10,
    ),
    "patches": Metric(
        "sliced Wasserstein distance × 1000, 7×7 patches, mean of the Laplacian levels", {"swd": "less"}, _patches
    ),
    "likeness": Metric("MS-SSIM of 2,000 pairs of samples", {"likeness": "as real"}, _likeness),
}

DEFAULT = ("frechet", "kernel", "support", "memorisation")
