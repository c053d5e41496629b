"""Vector-Jacobian products in closed form."""

import pytest
import torch
from torch import nn

from sparring.vjp import value_and_vjp

X, Y = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[0.5, 0.0], [-2.0, 4.0]])


@pytest.mark.parametrize("compiling", [False, True])
def test_the_product_with_a_vector(compiling, monkeypatch):
    """f(x) = (x₁², x₁x₂): Jᵀy = (2x₁y₁ + x₂y₂, x₁y₂)."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: compiling)
    f = lambda x: (torch.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1]], 1), {"twice": 2 * x})  # noqa: E731
    value, extras, slope = value_and_vjp(f, X, Y)
    assert value.tolist() == [[1, 2], [9, -3]] and torch.equal(extras["twice"], 2 * X)
    assert slope.tolist() == [[2 * 1 * 0.5 + 2 * 0, 1 * 0.0], [2 * 3 * -2 + -1 * 4, 3 * 4.0]]
    ones = value_and_vjp(f, X)[2]
    assert ones.tolist() == [[2 * 1 + 2, 1], [2 * 3 - 1, 3]]


def test_a_product_can_be_differentiated_and_keeps_the_graph_of_its_argument():
    leaf = X.clone().requires_grad_()
    _, _, slope = value_and_vjp(lambda x: (x.pow(3).sum(1), {}), 2 * leaf)
    (second,) = torch.autograd.grad(slope.sum(), leaf)  # d/dx 3 (2x)² = 24 x
    torch.testing.assert_close(second, 24 * X)


def test_the_product_of_a_tuple_is_a_tuple():
    _, _, slopes = value_and_vjp(lambda pair: ((pair[0] * pair[1]).sum(1), {}), (X, Y))
    assert isinstance(slopes, tuple)
    assert torch.equal(slopes[0], Y) and torch.equal(slopes[1], X)


def test_eager_products_support_batch_norm():
    """`torch.func.vjp` does not: it refuses the update of the running mean in place."""
    norm = nn.BatchNorm1d(2, affine=False, momentum=1.0)
    value, _, gradient = value_and_vjp(lambda x: (norm(x).sum(1), {}), X)
    torch.testing.assert_close(norm.running_mean, X.mean(0))
    torch.testing.assert_close(value, torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(gradient, torch.zeros_like(X), atol=1e-4, rtol=0)
