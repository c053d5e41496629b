"""Equalised layers and modulated convolutions, against their equations."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from sparring.networks.layers.equalised import RECTIFIED, EqualisedConv, EqualisedLinear, PixelNorm, StddevPlane
from sparring.networks.layers.modulated import ModulatedConv, StyledLayer
from sparring.networks.layers.resample import upsample


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("demodulated", [True, False])
def test_modulation_against_weights_of_each_example(demodulated):
    torch.manual_seed(0)
    layer = ModulatedConv(3, 4, 3, 5, demodulated=demodulated).double()
    x, w = randn(2, 3, 6, 7).double(), randn(2, 5).double()
    styles = w @ layer.style.weight.T / math.sqrt(5) + layer.style.bias
    for n in range(2):
        weight = torch.zeros(4, 3, 3, 3, dtype=torch.float64)
        for j in range(4):
            for i in range(3):
                weight[j, i] = styles[n, i] * layer.weight[j, i] / math.sqrt(27)
            if demodulated:
                weight[j] /= (weight[j].square().sum() + 1e-8).sqrt()
        torch.testing.assert_close(layer(x, w)[n], conv2d(x[n : n + 1], weight, padding=1)[0])


def test_demodulated_outputs_have_variance_one_whatever_the_style():
    torch.manual_seed(0)
    layer = ModulatedConv(32, 8, 3, 5)
    out = layer(randn(200, 32, 10, 10), 10 * randn(1, 5).expand(200, 5))[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(out.var((0, 2, 3)), torch.ones(8), atol=0.08, rtol=0)


def test_a_doubling_layer_is_upsampling_and_then_the_convolution():
    """But at the border, where zeros come in elsewhere. A transposed convolution turns its kernel round."""
    torch.manual_seed(0)
    doubling, plain = ModulatedConv(3, 4, 3, 5, doubled=True), ModulatedConv(3, 4, 3, 5)
    plain.load_state_dict(doubling.state_dict() | {"weight": doubling.weight.flip(2, 3)})
    x, w = randn(2, 3, 6, 7), randn(2, 5)
    assert doubling(x, w).shape == (2, 4, 12, 14)
    torch.testing.assert_close(doubling(x, w)[..., 2:-2, 2:-2], plain(upsample(x), w)[..., 2:-2, 2:-2])


def test_equalised_layers_keep_large_weights_and_use_small_ones():
    torch.manual_seed(0)
    dense = EqualisedLinear(400, 300, start=1.0, rate=0.01)
    zero = dense(torch.zeros(1, 400))
    assert dense.weight.std().item() == pytest.approx(100, rel=0.02)
    assert (dense(torch.eye(400)) - zero).std().item() == pytest.approx(1 / 20, rel=0.02)
    torch.testing.assert_close(zero, torch.ones(1, 300))
    conv = EqualisedConv(16, 64, 3)
    assert conv.weight.std().item() == pytest.approx(1, rel=0.05)
    out = conv(randn(8, 16, 20, 20))[:, :, 1:-1, 1:-1]
    assert out.shape == (8, 64, 18, 18) and out.var().item() == pytest.approx(1, rel=0.1)
    x = randn(3, 4, 2, 2)
    torch.testing.assert_close(PixelNorm()(x).square().mean(1), torch.ones(3, 2, 2))


def test_a_gain_stands_before_or_behind_a_leaky_relu():
    torch.manual_seed(0)
    for make, x in ((partial(EqualisedLinear, 6, 5, start=1.0), randn(3, 6)),
                    (partial(EqualisedConv, 3, 5, 3), randn(2, 3, 6, 7))):  # fmt: skip
        plain, scaled = make(), make(gain=RECTIFIED)
        scaled.load_state_dict(plain.state_dict())
        torch.testing.assert_close(leaky_relu(scaled(x), 0.2), 2**0.5 * leaky_relu(plain(x), 0.2))


def test_a_styled_layer_adds_noise_and_bias_before_it_rectifies():
    torch.manual_seed(0)
    layer = StyledLayer(3, 5, 4, (6, 7), doubled=False).double().eval()
    nn.init.normal_(layer.bias)
    nn.init.constant_(layer.strength, 0.7)
    x, w = randn(2, 3, 6, 7).double().requires_grad_(), randn(2, 4).double()
    plain = ModulatedConv(3, 5, 3, 4).double()
    plain.load_state_dict(layer.conv.state_dict())
    wanted = 2**0.5 * leaky_relu(plain(x, w) + 0.7 * layer.noise + layer.bias[:, None, None], 0.2)
    torch.testing.assert_close(layer(x, w), wanted)
    assert layer(x.contiguous(memory_format=torch.channels_last), w).shape == (2, 5, 6, 7)
    layer.train()
    assert not torch.equal(layer(x, w), layer(x, w))
    seeded = partial(torch.manual_seed, 1)
    assert torch.autograd.gradgradcheck(lambda x: (seeded(), layer(x, w))[1], x, atol=1e-4)


@pytest.mark.parametrize("n, groups", [
    (8, [[0, 2, 4, 6], [1, 3, 5, 7]]), (4, [[0, 1, 2, 3]]), (6, [[0, 1, 2, 3, 4, 5]]), (1, [[0]]),
])  # fmt: skip
def test_the_plane_tells_how_much_a_group_varies(n, groups):
    x = randn(n, 3, 4, 5)
    out = StddevPlane()(x)
    assert out.shape == (n, 4, 4, 5) and torch.equal(out[:, :3], x)
    for group in groups:
        expected = x[group].var(0, correction=0).add(1e-8).sqrt().mean()
        torch.testing.assert_close(out[group, 3], expected.expand(len(group), 4, 5))
