"""Dropout by few random bits."""

import pytest
import torch

from sparring.networks.layers.dropout import Dropout

N = 400_001


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_drops_its_share_and_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(N, dtype=dtype, requires_grad=True)
    y = Dropout(p)(x)
    y.sum().backward()
    kept = y.detach() > 0
    sigma = (p * (1 - p) / N) ** 0.5
    assert abs(kept.double().mean() - (1 - p)) < 4 * sigma
    assert torch.equal(y.detach(), kept.to(dtype) * torch.tensor(1 / (1 - p), dtype=dtype))
    assert x.grad is not None and torch.equal(x.grad, y.detach())


def test_neighbours_know_nothing_of_each_other():
    """Four that share a number, and all pairs of the lags that such sharing could tie together."""
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(N)) > 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8):
        correlation = 4 * (kept[lag:] * kept[:-lag]).mean()
        assert abs(correlation) < 4 / N**0.5, lag


def test_the_same_after_the_same_seed_and_another_after_another():
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Dropout(0.3)(torch.ones(3, 5, 7))

    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends(p):
    assert torch.equal(Dropout(p)(torch.ones(9)), torch.full((9,), 1 - p))


def test_nothing_is_dropped_in_use():
    x = torch.randn(7)
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_a_share_out_of_range_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        Dropout(1.5)
