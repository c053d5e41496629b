"""Convolutions as products: the same numbers, and the same derivatives of every order."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from sparring.networks.layers.conv_gemm import OPERATIONS, is_lowerable, lowered_conv
from sparring.networks.layers.conv_ops import GroupedConv2d

LAYERS = {
    "halving": nn.Conv2d(3, 4, 4, 2, 1),
    "oblong": nn.Conv2d(5, 3, (3, 4), (2, 1), (1, 2)),
    "whole": nn.Conv2d(2, 3, 5, bias=False),
    "doubling": nn.ConvTranspose2d(3, 2, 4, 2, 1),
    "doubling deeply": nn.ConvTranspose2d(3, 6, 3, 2, 1, output_padding=1, bias=False),
}


@pytest.mark.parametrize("products", ["", "gather scatter weight", "weight"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_twin_is_the_layer(name, products):
    layer = copy.deepcopy(LAYERS[name]).double()
    other = lowered_conv(layer, frozenset(products.split()))
    assert other.weight is layer.weight and other.bias is layer.bias
    x = torch.randn(2, layer.in_channels, 5, 6, dtype=torch.double, requires_grad=True)
    for kept in (x, x.detach().to(memory_format=torch.channels_last).requires_grad_()):
        torch.testing.assert_close(other(kept), layer(kept))

    def call(x, weight):
        return functional_call(other, {"weight": weight}, x)

    assert torch.autograd.gradcheck(call, (x, layer.weight))
    assert torch.autograd.gradgradcheck(call, (x[:1, :, :5, :5].detach().requires_grad_(), layer.weight), atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_groups_have_the_derivatives_of_the_plain_layer(bias):
    plain = nn.Conv2d(6, 9, 3, 2, 1, groups=3, bias=bias).double()
    grouped = GroupedConv2d(6, 9, 3, 2, 1, groups=3, bias=bias).double()
    grouped.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 5, 4, dtype=torch.double, requires_grad=True)

    def derivatives(layer):
        """Of the answer, and of a penalty on its slope."""
        y = layer(x)
        (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return [y, slope, *torch.autograd.grad(slope.pow(4).sum(), [x, *layer.parameters()])]

    for ours, theirs in zip(derivatives(grouped), derivatives(plain), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["halving", "doubling", "doubling deeply"])
def test_a_twin_keeps_to_autocast(name):
    layer = copy.deepcopy(LAYERS[name])
    x = torch.randn(4, layer.in_channels, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        made, plain = (net(x) for net in (lowered_conv(layer, frozenset(OPERATIONS)), layer))
    assert made.dtype == plain.dtype == torch.bfloat16
    assert (made - plain).abs().max().item() < 0.02
    made.float().sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("name", ["halving", "doubling"])
def test_gradients_of_each_example_go_through_a_twin(name):
    layer = lowered_conv(copy.deepcopy(LAYERS[name]), frozenset(OPERATIONS))
    x, weights = torch.randn(3, 3, 8, 8), dict(layer.named_parameters())

    def loss(weights, x):
        return functional_call(layer, weights, x[None]).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    torch.testing.assert_close(each["weight"][1], torch.func.grad(loss)(weights, x[1])["weight"])


def test_what_fits():
    assert all(is_lowerable(layer) for layer in LAYERS.values())
    for layer in (
        nn.Conv2d(3, 4, 1),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(3, 4, 3, dilation=2),
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 4, 3, padding="same"),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
        nn.Linear(3, 4),
    ):
        assert not is_lowerable(layer)
