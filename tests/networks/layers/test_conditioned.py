import pytest
import torch
from torch import nn

from sparring.networks.dcgan import DCGANCritic
from sparring.networks.fourier import FourierCritic
from sparring.networks.layers.heads import HeadedCritic, LinearHead, ProjectionHead
from sparring.networks.layers.labels import LabelledCritic, LabelledGenerator
from sparring.networks.mlp import MLPCritic


def test_the_label_stands_behind_latent_and_channels():
    y = torch.tensor([2, 0])
    seen = LabelledGenerator(nn.Identity(), 3)(torch.full((2, 4), 9.0), y)
    assert seen.tolist() == [[9, 9, 9, 9, 0, 0, 1], [9, 9, 9, 9, 1, 0, 0]]
    planes = LabelledCritic(nn.Identity(), 3)(torch.full((2, 1, 5, 6), 9.0), y)
    assert planes.shape == (2, 4, 5, 6)
    assert torch.equal(planes[0, :, 0, 0], torch.tensor([9.0, 0, 0, 1])) and planes[:, 1:].sum() == 2 * 30
    assert LabelledCritic(nn.Identity(), 3)(torch.zeros(2, 2), y).tolist() == [[0, 0, 0, 0, 1], [0, 0, 1, 0, 0]]


def test_the_auxiliary_critic_tells_the_class_without_being_told():
    net, head = MLPCritic((1, 4, 4), (6,), 0.0), LinearHead("class", 6, 3)
    critic, x = HeadedCritic(net, [head], []), torch.randn(5, 1, 4, 4)
    one, other = critic(x, torch.zeros(5).long()), critic(x, torch.ones(5).long())
    assert torch.equal(one.logits, other.logits) and torch.equal(one.logits, net(x))
    features = nn.Sequential(*list(net)[:-1])(x)
    torch.testing.assert_close(one.extras["class"], features @ head.weight.T + head.bias)


def test_the_projection_against_its_equation():
    net, projection = DCGANCritic((1, 8, 8), 4, "none"), ProjectionHead(64, 3)
    critic = HeadedCritic(net, [], [projection])
    x, y = torch.randn(5, 1, 8, 8), torch.tensor([0, 1, 2, 2, 1])
    phi = nn.Sequential(*list(net)[:-2])(x).flatten(1)
    v = projection.v.weight
    expected = net(x).flatten() + torch.stack([v[k] @ h for k, h in zip(y, phi, strict=True)])
    torch.testing.assert_close(critic(x, y).logits, expected[:, None])
    pairs = HeadedCritic(net, [], [projection])(x[:4], y[:4, None].repeat(1, 2)).logits.flatten()
    twice = net(x[:4]).flatten() + 2 * (expected[:4] - net(x[:4]).flatten())
    torch.testing.assert_close(pairs, twice)  # a pack of two of one class


def test_heads_of_a_critic_with_spectral_norm_have_it_too():
    torch.manual_seed(0)
    net = DCGANCritic((1, 8, 8), 4, "spectral")
    critic = HeadedCritic(net, [LinearHead("class", 64, 3)], [ProjectionHead(64, 3)])
    for layer in (critic.heads[0], critic.additions[0].v):
        for _ in range(200):
            layer.parametrizations["weight"][0].after_step()
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)


def test_fourier_features_are_those_before_the_last_layer():
    critic = FourierCritic((2,), 4, 1.0, (8, 8))
    features, logits = critic.features_and_logits(torch.randn(5, 2))
    perceptron = critic[-1]
    torch.testing.assert_close(logits, perceptron[-1](features))
