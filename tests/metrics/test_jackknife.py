"""The delete-a-group jackknife, from its formula."""

import pytest
import torch

from sparring.metrics.jackknife import half_widths


def test_each_tenth_is_left_out_once():
    kept = []

    def scores(indices):
        kept.append(indices.tolist())
        return {"first": float(indices.double().square().mean()), "second": 3.0}

    widths = half_widths(scores, 43, seed=1)
    assert len(kept) == 10 and sorted(map(len, kept)) == [38, 38, 38] + [39] * 7
    left_out = [i for indices in kept for i in set(range(43)) - set(indices)]
    assert sorted(left_out) == list(range(43)) and left_out != sorted(left_out)
    actual = [sum(i**2 for i in indices) / len(indices) for indices in kept]
    mean = sum(actual) / 10
    variance = 9 / 10 * sum((x - mean) ** 2 for x in actual)
    assert widths == {"first": pytest.approx(2.262 * variance**0.5, rel=1e-12), "second": 0}


def test_the_split_depends_on_the_seed():
    x = torch.randn(100, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    width = [half_widths(lambda kept: {"mean": float(x[kept].mean())}, 100, seed)["mean"] for seed in (0, 0, 1)]
    assert width[0] == width[1] != width[2]


def test_default_seed():
    x = torch.randn(100, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scores = lambda kept: {"mean": float(x[kept].mean())}  # noqa: E731
    assert half_widths(scores, 100) == half_widths(scores, 100, 0)
