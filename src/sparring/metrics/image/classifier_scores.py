"""Scores from class predictions of samples."""

from torch import Tensor, special

from sparring.metrics.features.extractors import fit_classifier, new_classifier

_STEPS = 500


def inception_score(probabilities: Tensor, splits: int = 10) -> float:
    """exp E KL(p(y|x) ‖ p(y)), averaged over splits: Salimans et al. 2016 (arXiv:1606.03498), section 4.

    Takes probabilities (n, classes), n ≥ splits; lies between 1 and the number of classes. It ignores real examples:
    one perfect image per class gets the maximum.
    """
    scores = []
    for p in probabilities.double().tensor_split(splits):
        scores.append((special.xlogy(p, p).sum(1) - special.xlogy(p, p.mean(0)).sum(1)).mean().exp())
    return float(sum(scores) / splits)


def reverse_kl(guesses: Tensor, shares: Tensor) -> float:
    """KL(samples ‖ data) of class distributions in nats, from predictions (n,) and positive shares (classes,)."""
    p = guesses.bincount(minlength=len(shares)).double() / len(guesses)
    return float(special.xlogy(p, p / shares.double()).sum())


def train_on_synthetic(pixels: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """Classification accuracy score: Ravuri & Vinyals 2019 (arXiv:1905.10887).

    Accuracy on real images, uint8 (m, c, h, w), of a classifier trained only on samples (n, c, h, w) with their
    requested classes.
    """
    classes = int(max(labels.max(), test_labels.max())) + 1
    net = new_classifier(pixels.shape[1], classes)
    fit_classifier(net, pixels, labels, _STEPS, "training a classifier on samples")
    features = net.features("taught", names_classes=True)
    return features.accuracy(test, test_labels)
