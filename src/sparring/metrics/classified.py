"""Scores from what a classifier takes samples for."""

from torch import Tensor, special


def inception_score(probabilities: Tensor, splits: int = 10) -> float:
    """exp E KL(p(y|x) ‖ p(y)), averaged over splits: Salimans et al. 2016 (arXiv:1606.03498), section 4.

    Of probabilities (n, classes), n ≥ splits; between 1 and the number of classes. It knows nothing of real examples:
    one perfect picture a class has the best score there is.
    """
    scores = []
    for p in probabilities.double().tensor_split(splits):
        scores.append((special.xlogy(p, p).sum(1) - special.xlogy(p, p.mean(0)).sum(1)).mean().exp())
    return float(sum(scores) / splits)


def reverse_kl(guesses: Tensor, shares: Tensor) -> float:
    """KL(classes of the samples ‖ classes of the data) in nats; of guesses (n,) and shares (classes,) above 0."""
    p = guesses.bincount(minlength=len(shares)).double() / len(guesses)
    return float(special.xlogy(p, p / shares.double()).sum())
