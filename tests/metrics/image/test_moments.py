"""Moments of singular and of few features, and the Fréchet distance between them, in closed form."""

import pytest
import torch

from sparring.metrics.image.frechet import Moments, frechet, frechet_distance


def cloud(n: int, d: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(("n", "rank"), [(200, 5), (12, 11), (11, 10)])
def test_repeated_features_multiply_the_distance(n, rank, scale):
    """k copies of all features multiply the eigenvalues of Σ by k."""
    d = 5 if n == 200 else 20
    a, b = cloud(n, d, 0, scale), cloud(n, d, 1, 2 * scale) + scale
    assert frechet(a.repeat(1, 2), b.repeat(1, 2)) == pytest.approx(2 * frechet(a, b), rel=1e-6)
    assert frechet(a.repeat(1, 4), b.repeat(1, 4)) == pytest.approx(4 * frechet(a, b), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_root_of_a_singular_covariance_has_its_rank(scale):
    x = cloud(300, 4, 0, scale)
    doubled = torch.cat([x, x[:, :2] + x[:, 2:]], 1)
    actual = Moments.of(doubled)
    assert actual.root.shape == (4, 6)
    torch.testing.assert_close(actual.root.T @ actual.root, doubled.T.cov(), rtol=1e-9, atol=1e-9 * scale**2)
    torch.testing.assert_close(actual.mean, doubled.mean(0))


@pytest.mark.parametrize("n", [3, 6, 7, 50])
def test_the_covariance_is_unbiased(n):
    x = cloud(n, 6, 0)
    root = Moments.of(x.float()).root
    assert root.dtype == torch.float64
    torch.testing.assert_close(root.T @ root, x.float().double().T.cov())


def test_distance_of_few_samples_to_themselves_is_zero():
    a = cloud(10, 40, 0)
    assert frechet(a, a) == pytest.approx(0, abs=1e-11)
    assert frechet(a, a + 2) == pytest.approx(4 * 40, rel=1e-12)


def test_distance_of_given_moments():
    mean, covariance = torch.tensor([1.0, 2.0]), torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    other = Moments.from_statistics(torch.zeros(2), torch.diag(torch.tensor([0.5, 3.0])))
    # 1 + 4, and (√2 − √½)² + 3
    assert frechet_distance(Moments.from_statistics(mean, covariance), other) == pytest.approx(5 + 0.5 + 3)
