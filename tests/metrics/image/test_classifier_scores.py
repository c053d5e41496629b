"""Scores from class predictions, against their formulas."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from sparring.metrics.image import classifier_scores


def test_the_inception_score_is_the_mean_over_splits():
    p = torch.rand(23, 5, generator=torch.Generator().manual_seed(0)).softmax(1)
    for splits in (1, 3, 10):
        parts = np.array_split(p.double().numpy(), splits)
        expected = [np.exp(np.mean([entropy(row, part.mean(0)) for row in part])) for part in parts]
        assert classifier_scores.inception_score(p, splits) == pytest.approx(np.mean(expected), rel=1e-6)
    assert classifier_scores.inception_score(p) == classifier_scores.inception_score(p, 10)


def test_train_on_synthetic_has_all_classes(monkeypatch):
    """The stand-in for the classifier predicts an image's brightness."""
    calls = []

    class Net:
        def features(self, name, names_classes):
            assert names_classes
            return self

        def accuracy(self, images, labels):
            return float((images[:, 0, 0, 0] == labels).double().mean())

    monkeypatch.setattr(
        classifier_scores, "new_classifier", lambda channels, classes: calls.append((channels, classes)) or Net()
    )
    monkeypatch.setattr(classifier_scores, "fit_classifier", lambda net, *arguments: calls.append(arguments))
    generated, labels = torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 2, 1])
    test = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    for test_labels, classes in ((torch.tensor([0, 1, 4, 4]), 5), (torch.tensor([0, 1, 1, 0]), 3)):
        calls.clear()
        assert classifier_scores.train_on_synthetic(generated, labels, test, test_labels) == 0.5
        assert calls[0] == (3, classes)
        assert calls[1][0] is generated and calls[1][1] is labels and calls[1][2] == classifier_scores._STEPS
