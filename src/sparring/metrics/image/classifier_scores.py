"""Scores from what a classifier takes samples for."""

from torch import Tensor, special

from sparring.metrics.features.extractors import fit_classifier, new_classifier

_STEPS = 500


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


def train_on_synthetic(pixels: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """What samples teach, the classification accuracy score: Ravuri & Vinyals 2019 (arXiv:1905.10887).

    The share of real images, uint8 (m, c, h, w), that a classifier names rightly which has seen only samples
    (n, c, h, w) with the classes they were asked for.
    """
    classes = int(max(labels.max(), test_labels.max())) + 1
    net = new_classifier(pixels.shape[1], classes)
    fit_classifier(net, pixels, labels, _STEPS, "teaching a classifier by samples")
    features = net.features("taught", names_classes=True)
    return features.accuracy(test, test_labels)
