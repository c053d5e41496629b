"""Residual networks and self-attention: shapes, counts, and their mathematics."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, max_pool2d
from torch.nn.utils import parametrize

from sparring.game import Verdict
from sparring.losses.penalties import r1
from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS
from sparring.networks.layers.sizes import nearest_size
from sparring.networks.resnet import ResNetCritic, ResNetGenerator

SIZES = [(8, 8), (9, 9), (16, 16), (28, 28), (33, 33), (48, 40), (8, 31), (100, 64)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 4])
def test_any_size_is_made_and_judged(size, channels):
    shape = (channels, *size)
    with torch.no_grad():
        x = ResNetGenerator(shape, 5, 2, 4, attention=16)(torch.randn(2, 5))
        assert x.shape == (2, *shape) and x.abs().max() <= 1
        features, logits = ResNetCritic(shape, 2, 4, attention=16).features_and_logits(x)
    assert features.shape[1] <= 4 and features.shape[0] == 2 and logits.shape == (2, 1)


def test_256_pixels():
    with torch.no_grad():
        x = ResNetGenerator((3, 256, 256), 5, 1, 4)(torch.randn(2, 5))
        assert x.shape == (2, 3, 256, 256) and ResNetCritic((3, 256, 256), 1, 4)(x).shape == (2, 1)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_parameters_are_those_of_the_blocks():
    """16×16: maps of 4, 8, 16. A block from i to o: 3×3 i→o, 3×3 o→o, 1×1 i→o."""

    def convs(i: int, o: int) -> int:
        return 9 * i * o + 9 * o * o + i * o

    z, a, b, c = 5, 8, 8, 4  # channels of 4×4, 8×8, 16×16
    dense, norms, last = 16 * a * (z + 1), 2 * (a + b) + 2 * (b + c) + 2 * c, 9 * c * 3 + 3
    G = ResNetGenerator((3, 16, 16), z, width=4, widest=8)
    assert count(G) == dense + convs(a, b) + convs(b, c) + norms + last
    p, q = 4, 8  # of 8×8 and 4×4
    D = ResNetCritic((3, 16, 16), width=4, widest=8)
    assert count(D) == convs(3, p) + 3 * p + convs(p, q) + 3 * q + 2 * 9 * q * q + 2 * q + q + 1
    attention = 2 * 8 * 1 + 8 * 4 + 4 * 8 + 1
    assert count(ResNetCritic((3, 16, 16), 4, 8, attention=4)) == count(D) + attention
    assert count(ResNetGenerator((3, 16, 16), z, 4, 8, attention=8)) == count(G) + attention


def test_attention_stands_on_the_nearest_map():
    assert nearest_size([(14, 14), (7, 7), (4, 4)], 8) == (7, 7) and nearest_size([(14, 14)], 0) is None
    seen = []
    for net, x in (
        (ResNetGenerator((1, 28, 28), 5, 2, 4, attention=16), torch.randn(2, 5)),
        (ResNetCritic((1, 28, 28), 2, 4, attention=16), torch.randn(2, 1, 28, 28)),
    ):
        (layer,) = [m for m in net.modules() if isinstance(m, SelfAttention)]
        layer.register_forward_hook(lambda layer, inputs, out: seen.append(tuple(out.shape[2:])))
        net(x)
    assert seen == [(14, 14), (14, 14)]


def attention(channels: int) -> SelfAttention:
    torch.manual_seed(0)
    layer = SelfAttention(channels).double()
    nn.init.constant_(layer.gamma, 0.7)
    return layer


def test_attention_against_a_loop_over_pixels():
    layer, x = attention(8), torch.randn(2, 8, 5, 4).double()
    key, value = (max_pool2d(conv2d(x, c.weight), 2, ceil_mode=True) for c in (layer.key, layer.value))
    assert key.shape == (2, 1, 3, 2) and value.shape == (2, 4, 3, 2)
    expected = x.clone()
    for n in range(2):
        for i in range(5):
            for j in range(4):
                q = layer.query.weight[:, :, 0, 0] @ x[n, :, i, j]
                scores = torch.stack([q @ key[n, :, k, l] for k in range(3) for l in range(2)])
                shares = scores.exp() / scores.exp().sum()
                o = sum(s * value[n, :, m // 2, m % 2] for m, s in enumerate(shares))
                expected[n, :, i, j] += 0.7 * layer.out.weight[:, :, 0, 0] @ o
    torch.testing.assert_close(layer(x), expected)
    assert torch.equal(SelfAttention(8)(x.float()), x.float())  # γ starts at 0


def test_attention_has_second_derivatives():
    x = torch.randn(1, 4, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(attention(4), x)


def test_a_penalty_through_attention_against_finite_differences():
    torch.manual_seed(0)
    D, x = ResNetCritic((1, 9, 9), 8, 8, "none", attention=5).double(), torch.randn(2, 1, 9, 9).double()
    (layer,) = [m for m in D.modules() if isinstance(m, SelfAttention)]
    nn.init.constant_(layer.gamma, 0.7)

    def penalty() -> torch.Tensor:
        return r1(Verdict(D, x, x)).mean()

    def moved(weight: torch.Tensor, step: torch.Tensor) -> float:
        with torch.no_grad():
            weight += step
        found = penalty().item()
        with torch.no_grad():
            weight -= step
        return found

    for weight in (layer.gamma, layer.query.weight, layer.key.weight, layer.value.weight):
        (slope,) = torch.autograd.grad(penalty(), weight)
        step = 1e-6 * torch.randn_like(weight)
        expected = (moved(weight, step) - moved(weight, -step)) / 2
        assert (slope * step).sum().item() == pytest.approx(expected, rel=1e-4, abs=1e-14)


def test_every_weight_has_spectral_norm_one():
    torch.manual_seed(0)
    G = ResNetGenerator((1, 9, 9), 5, 4, 8, attention=9, spectral=True)
    D = ResNetCritic((1, 9, 9), 4, 8, attention=5)
    for net, expected in ((G, 1 + 3 + 1 + 3 + 4), (D, 3 + 3 + 4 + 2 + 1)):
        layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        for layer in layers:
            assert parametrize.is_parametrized(layer, "weight")
            for _ in range(300):
                layer.parametrizations["weight"][0].after_step()
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)
        assert len(layers) == expected


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_reach_everything(norm):
    torch.manual_seed(0)
    G, D = ResNetGenerator((1, 9, 9), 5, 4, 8, 9, True), ResNetCritic((1, 9, 9), 4, 8, norm, 5)
    for layer in (m for net in (G, D) for m in net.modules() if isinstance(m, SelfAttention)):
        nn.init.constant_(layer.gamma, 0.5)
    D(G(torch.randn(4, 5))).square().sum().backward()
    lost = [name for net in (G, D) for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not lost
