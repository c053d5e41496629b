"""The experiment on stacked digits: shares and counts of the thousand numbers."""

import pytest
import torch

from sparring.data import Dataset, Split


@pytest.fixture
def stacked(experiments):
    from experiments.scores import digits

    return digits


def test_shares_of_numbers_are_products_of_those_of_digits(stacked):
    shares = stacked.digit_shares(torch.tensor([0, 11, 111, 212]))  # twelve digits: 4 zeros … and what they leave
    of = torch.tensor([4, 6, 2, *[0] * 7], dtype=torch.float64) / 12
    assert shares.shape == (1000,) and shares.sum().item() == pytest.approx(1)
    assert shares[120].item() == pytest.approx(of[1] * of[2] * of[0])


def test_counts(stacked):
    class Told:
        """Takes a stack for the number in its first pixel."""

        def predict(self, stacks):
            return stacks[:, 0, 0, 0].long()

    labels = torch.arange(1000)
    train = Split(torch.zeros(1000, 3, 2, 2, dtype=torch.uint8), labels)
    counts = stacked.Counts(Told(), Dataset.of("all numbers", train, train, tuple(map(str, range(1000)))))
    every = labels.float().view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    assert counts(every) == {"modes": 1000, "fair": 1000, "kl": pytest.approx(0, abs=1e-9)}
    assert counts(every[:1].expand(500, -1, -1, -1)) == {"modes": 1, "fair": 1, "kl": pytest.approx(6.9078, abs=1e-3)}
