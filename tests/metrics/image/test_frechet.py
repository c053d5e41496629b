import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn

from sparring.metrics.image.frechet import frechet


def normal(n, d, seed, scale=1.0, shift=0.0):
    g = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=g, dtype=torch.float64)
    return torch.randn(n, d, generator=g, dtype=torch.float64) @ mix * scale + shift


def by_scipy(a, b):
    """The formula as it is written, with a general matrix square root."""
    s1, s2 = np.cov(a.numpy().T), np.cov(b.numpy().T)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum()) + np.trace(s1 + s2 - 2 * root)


def test_one_dimension_in_closed_form():
    a, b = normal(500, 1, 0), normal(400, 1, 1, 3.0, 2.0)
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet(a, b) == pytest.approx(float(expected), rel=1e-10)


def test_against_scipy():
    a, b = normal(300, 12, 0), normal(250, 12, 1, 1.5, 0.3)
    assert frechet(a, b) == pytest.approx(by_scipy(a, b), rel=1e-9)


def test_against_torchmetrics():
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Flat(nn.Module):
        num_features = 12

        def forward(self, x):
            return x.flatten(1).double()

    a, b = normal(300, 12, 2), normal(250, 12, 3, 0.5)
    theirs = FrechetInceptionDistance(Flat(), normalize=True, input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    for x, real in ((a, True), (b, False)):
        theirs.update(x.view(-1, 3, 2, 2), real=real)
    assert frechet(a, b) == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_fewer_samples_than_dimensions():
    a, b = normal(10, 40, 0), normal(12, 40, 1)
    assert frechet(a, b) == pytest.approx(by_scipy(a, b), rel=1e-5)


def test_a_feature_that_never_fires():
    a, b = normal(200, 6, 0), normal(200, 6, 1)
    silent = torch.zeros(200, 2, dtype=torch.float64)
    assert frechet(torch.cat([a, silent], 1), torch.cat([b, silent], 1)) == pytest.approx(frechet(a, b), rel=1e-10)


def test_a_single_point_has_no_spread():
    a = normal(200, 6, 0)
    point = torch.zeros(50, 6, dtype=torch.float64)
    expected = a.mean(0).square().sum() + a.var(0).sum()
    assert frechet(a, point) == pytest.approx(float(expected), rel=1e-10)


def test_itself_is_at_no_distance_and_order_does_not_matter():
    a, b = normal(100, 8, 0), normal(90, 8, 1)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-10)
