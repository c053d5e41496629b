import numpy as np
import pytest
import torch

from sparring.networks.layers.discrete import MAX_BIAS, fit_bias, gumbel, reinmax, sample_categorical


def test_gumbel_noise():
    g = gumbel(torch.randn(200_000, generator=torch.Generator().manual_seed(0)))
    assert g.mean() == pytest.approx(np.euler_gamma, abs=0.01) and g.var() == pytest.approx(np.pi**2 / 6, abs=0.03)
    assert torch.isfinite(gumbel(torch.tensor([-30.0, 30.0]))).all()


def test_options_come_with_their_probabilities():
    p = torch.tensor([0.0, 0.2, 0.0, 0.5, 0.3, 0.0])
    noise = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    shares = sample_categorical(p.expand(len(noise), 6), noise).bincount(minlength=6) / len(noise)
    torch.testing.assert_close(shares, p, atol=0.005, rtol=0)
    assert (shares[p == 0] == 0).all()
    ends = torch.tensor([-torch.inf, -30.0, 30.0, torch.inf])
    assert sample_categorical(p.expand(4, 6), ends).tolist() == [1, 1, 4, 4]


def test_reinmax_is_right_to_second_order():
    """For a quadratic f its gradient is, on average, that of E f(D); the plain straight-through one is not."""
    theta = torch.tensor([0.5, -1.0, 1.2, 0.0], dtype=torch.float64)
    H = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def f(D):
        return ((D @ H) * D).sum(-1) + D @ H[0]

    wanted = theta.clone().requires_grad_()
    (wanted.softmax(0) * f(torch.eye(4, dtype=torch.float64))).sum().backward()
    logits = theta.expand(4, 4).clone().requires_grad_()
    D = reinmax(logits, torch.arange(4), tau=1.0)
    assert torch.equal(D, torch.eye(4, dtype=torch.float64))
    found = torch.autograd.grad((theta.softmax(0) * f(D)).sum(), logits)[0].sum(0)  # the mean over all options
    torch.testing.assert_close(found, wanted.grad)
    soft = logits.softmax(1)
    plain = torch.autograd.grad((theta.softmax(0) * f(D.detach() + soft - soft.detach())).sum(), logits)[0].sum(0)
    assert not torch.allclose(plain, wanted.grad, rtol=0.01)


def test_tilted_options_are_as_likely_as_they_should_be():
    logits = 2 * torch.randn(3_000, 5, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05, 0.0])
    b = fit_bias(logits, shares)
    torch.testing.assert_close((logits + b).softmax(1).mean(0), shares, atol=2e-3, rtol=0)
    assert b[4] == -MAX_BIAS
