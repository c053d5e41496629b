"""The critic's input: noise, packs, augmentation."""

import torch

from sparring.augment import Augment
from sparring.game import Round, ScheduledBuffer
from sparring.games.shared.critic_input import CriticInput
from sparring.priors import gaussian

X = torch.arange(24.0).view(4, 1, 2, 3)
NOISE = torch.randn(4, 1, 2, 3, generator=torch.Generator().manual_seed(0))


def test_draws_by_side():
    assert CriticInput().draws == {}
    assert CriticInput(lambda seen: 1.0).draws == {"noise_real": gaussian, "noise_fake": gaussian}
    augment = Augment(["brighten"], ScheduledBuffer(lambda seen: 1.0))
    assert CriticInput(augment=augment).draws == {"augment_real": augment.draw, "augment_fake": augment.draw}
    assert len(CriticInput(lambda seen: 1.0, augment).draws) == 4


def test_noise_is_scaled_by_sigma():
    critic_input = CriticInput(lambda seen: 0.5)
    round = Round(X, None, {"noise_fake": NOISE})
    torch.testing.assert_close(critic_input.noisy_packed(X, "fake", round), X + 0.5 * NOISE)
    assert torch.equal(critic_input.noisy_packed(X, "real", round), X)  # a round without such noise
    both = critic_input.noisy_packed((X, X + 1), "fake", round)
    torch.testing.assert_close(both[1], X + 1 + 0.5 * NOISE)


def test_a_pack_is_consecutive_examples_in_channels():
    critic_input = CriticInput(pack=2)
    packed = critic_input.pack(X)
    assert packed.shape == (2, 2, 2, 3) and torch.equal(packed[1, 0], X[2, 0]) and torch.equal(packed[1, 1], X[3, 0])
    y = torch.arange(4)
    assert critic_input.pack_condition(y).tolist() == [[0, 1], [2, 3]] and CriticInput().pack_condition(y) is y
    assert critic_input.pack_condition(torch.zeros(4, 3)).shape == (2, 2, 3)
    assert CriticInput().pack(X) is X


def test_draws_of_the_samples_shape_are_packed():
    critic_input, u = CriticInput(pack=2), torch.arange(8.0).view(4, 2)
    round = Round(X, None, {})
    assert torch.equal(critic_input.pack_draw(NOISE, round), NOISE.view(2, 2, 2, 3))
    assert critic_input.pack_draw(u, round).tolist() == [[0, 1], [4, 5]]
    assert torch.equal(critic_input.pack_draw(X[:, 0, 0], Round((X, u), None, {})), X[::2, 0, 0])


def test_each_example_of_a_pack_is_augmented_separately():
    augment = Augment(["brighten"], ScheduledBuffer(lambda seen: 1.0))
    critic_input = CriticInput(augment=augment, pack=2)
    u = torch.tensor([[0.0, 0.0], [0.0, 0.25], [0.0, 0.75], [0.0, 1.0]])
    round = Round(X, None, {"augment_real": u, "augment_fake": 1 - u})
    transforms = critic_input.transforms(round)
    expected = X + torch.tensor([-0.5, -0.25, 0.25, 0.5]).view(4, 1, 1, 1)
    assert torch.equal(transforms["real"](critic_input.pack(X)), critic_input.pack(expected))
    assert set(transforms) == {"real", "fake"} and CriticInput().transforms(round) == {}
