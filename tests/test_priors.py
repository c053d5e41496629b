"""Priors: shapes, ranges and moments."""

import pytest
import torch

from sparring.losses.penalties import uniform_noise
from sparring.priors import gaussian, latent_moments, latent_prior, normal, uniform

N, SHAPE = 20_000, (2, 3)


def g() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("draw", "shape"), [(gaussian, SHAPE), (normal(4), (4,))])
def test_normal_numbers(draw, shape):
    x = draw(N, SHAPE, g())
    assert x.shape == (N, *shape) and x.dtype == torch.float32
    assert float(x.mean()) == pytest.approx(0, abs=0.01) and float(x.var()) == pytest.approx(1, abs=0.02)
    assert float(x.flatten(1).T.corrcoef().sub(torch.eye(x[0].numel())).abs().max()) < 0.05
    assert torch.equal(x, draw(N, SHAPE, g())) and not torch.equal(x[:10], x[10:20])


@pytest.mark.parametrize(("draw", "shape"), [(uniform(), ()), (uniform(2, 3), (2, 3)), (uniform_noise, SHAPE)])
def test_uniform_numbers(draw, shape):
    x = draw(N, SHAPE, g())
    assert x.shape == (N, *shape) and x.min() >= 0 and x.max() < 1
    assert float(x.mean()) == pytest.approx(0.5, abs=0.01) and float(x.var()) == pytest.approx(1 / 12, abs=0.002)


def test_order_and_moments_of_the_parts_of_a_latent():
    z = latent_prior(2, 3, 1, 2)(N, SHAPE, g())
    assert z.shape == (N, 2 + 3 + 1 + 2)
    normals, category, code = z[:, [0, 1, 6, 7]], z[:, 2:5], z[:, 5]
    assert normals.var(0).tolist() == pytest.approx([1] * 4, abs=0.05)
    assert float(normals.T.corrcoef().sub(torch.eye(4)).abs().max()) < 0.05  # chance is drawn anew
    assert category.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.02) and (category.sum(1) == 1).all()
    assert -1 <= code.min() < -0.99 and 0.99 < code.max() <= 1 and float(code.var()) == pytest.approx(1 / 3, abs=0.02)


def test_parts_of_a_latent_are_optional():
    for sizes in ((2, 0, 0, 0), (2, 3, 0, 0), (2, 0, 4, 0), (2, 0, 0, 5)):
        assert latent_prior(*sizes)(7, SHAPE, g()).shape == (7, sum(sizes))
    assert torch.equal(latent_prior(2)(7, SHAPE, g()), normal(2)(7, SHAPE, g()))


def test_moments_of_a_latent_are_those_of_its_draws():
    mean, std = latent_moments(2, 4, 1, 2)
    assert mean.tolist() == [0, 0, *[0.25] * 4, 0, 0, 0]
    assert std.tolist() == pytest.approx([1, 1, *[3**0.5 / 4] * 4, 3**-0.5, 1, 1])
    z = latent_prior(2, 4, 1, 2)(N, SHAPE, g())
    torch.testing.assert_close(z.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(z.std(0), std, atol=0.02, rtol=0)
    assert [len(x) for x in latent_moments(3)] == [3, 3]
