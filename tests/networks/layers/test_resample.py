"""Doubling and halving by the filter [1, 3, 3, 1]."""

import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import conv2d, pad

from sparring.errors import UserError
from sparring.networks.layers.conv_ops import GroupedConv2d
from sparring.networks.layers.resample import blur, downsample, halved_sizes, upsample

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8
FILTER = TAPS[:, None] * TAPS


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def filtered(x: torch.Tensor, before: int, after: int) -> torch.Tensor:
    """Each channel with the filter, for itself."""
    padded = pad(x, (before, after, before, after))
    return torch.cat([conv2d(padded[:, c : c + 1], FILTER[None, None]) for c in range(x.shape[1])], 1)


def test_doubling_is_the_filter_on_zero_inserted_pixels():
    x = images(2, 3, 5, 4)
    sparse = torch.zeros(2, 3, 10, 8, dtype=torch.float64)
    sparse[:, :, ::2, ::2] = x
    torch.testing.assert_close(upsample(x), 4 * filtered(sparse, 2, 1))


def test_halving_is_the_filter_on_every_other_pixel():
    x = images(2, 3, 10, 8)
    torch.testing.assert_close(downsample(x), filtered(x, 1, 1)[:, :, ::2, ::2])
    torch.testing.assert_close(blur(x, 2, gain=4.0), 4 * filtered(x, 2, 2))


def test_constants_stay_and_halving_is_the_adjoint_of_doubling():
    ones = torch.ones(1, 2, 6, 8)
    assert torch.equal(upsample(ones)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 10, 14))
    assert torch.equal(downsample(ones)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 1, 2))
    assert upsample(ones)[0, 0, 0, 0].item() == pytest.approx((3 / 4) ** 2)  # beyond the border there is nothing
    x, y = images(1, 2, 3, 4), images(1, 2, 6, 8)
    torch.testing.assert_close((upsample(x) * y).sum(), 4 * (x * downsample(y)).sum())


@pytest.mark.parametrize("f", [upsample, downsample, lambda x: blur(x, 1), lambda x: blur(x, 2, gain=4.0)])
def test_resampling_can_be_differentiated_twice_in_any_type(f):
    x = images(1, 2, 4, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: f(x).square(), x)

    def slope(x):
        return torch.autograd.grad(f(x).square().sum(), x)[0]

    half = x.detach().bfloat16().requires_grad_()
    assert f(half).dtype == slope(half).dtype == torch.bfloat16
    torch.testing.assert_close(slope(half).double(), slope(x), rtol=0.02, atol=0.05)


def test_slopes_of_each_example_go_through_groups_and_filters():
    layer = GroupedConv2d(4, 6, 3, padding=1, groups=2).double()
    weights, x = dict(layer.named_parameters()), images(3, 4, 6, 6)

    def loss(weights, x):
        return blur(downsample(functional_call(layer, weights, upsample(x[None]))), 1).square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(weights, x)
    for i in range(len(x)):
        torch.testing.assert_close({name: g[i] for name, g in each.items()}, grad(loss)(weights, x[i]))


def test_maps_are_halved_to_a_side_from_4_to_7():
    assert halved_sizes((1, 28, 28)) == [(28, 28), (14, 14), (7, 7)]
    assert halved_sizes((3, 64, 96)) == [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6)]
    assert halved_sizes((3, 96, 64))[-1] == (6, 4) and halved_sizes((1, 5, 9)) == [(5, 9)]
    assert halved_sizes((3, 8, 8))[-1] == (4, 4) and halved_sizes((3, 48, 48))[-1] == (6, 6)


@pytest.mark.parametrize("size, fitting", [
    ((30, 30), "28"), ((33, 33), "32"), ((9, 9), "8"), ((64, 90), "64x80"), ((3, 3), "4"), ((2, 9), "4x9"),
])  # fmt: skip
def test_other_sides_are_refused_in_one_line_that_says_what_fits(size, fitting):
    with pytest.raises(UserError, match=rf"exact doublings: use --size {fitting}$") as refused:
        halved_sizes((3, *size))
    assert "\n" not in str(refused.value)
    sides = [int(side) for side in fitting.split("x")]
    assert halved_sizes((3, sides[0], sides[-1]))
    with pytest.raises(UserError, match=r"not \(2\)"):
        halved_sizes((2,))
