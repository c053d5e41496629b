"""Pix2pix and restoration: loss terms against the formulas of the papers, on players of a few numbers."""

import numpy as np
import pytest
import torch
from by_hand import (
    Affine,
    assert_gradients,
    distance_l1,
    numbers,
    numerical_gradients,
    per_image,
    play_turn,
    random_images,
)
from torch import Tensor, nn

from sparring.augment import Augment
from sparring.degrade import Degradation
from sparring.game import CriticOutput, Round, ScheduledBuffer
from sparring.games.pix2pix import Pix2Pix
from sparring.games.restoration import Restoration
from sparring.losses.objectives import least_squares
from sparring.losses.paired import matching, structure
from sparring.recipes import RECIPES

# Right answers y, and the pictures x that they are made of.
Y, X = random_images(3, 1, 4, seed=0), random_images(3, 1, 4, seed=1)
y, x = Y.numpy(), X.numpy()


class Beside(nn.Module):
    """Sees x before y in the channels; its layers are y + 2x, and the square of that."""

    def __init__(self):
        super().__init__()
        values = {"of_x": -0.5, "of_y": 0.8, "offset": 0.1, "layer": 2.0}
        for name, value in values.items():
            self.register_parameter(name, nn.Parameter(torch.tensor(value, dtype=torch.float64)))

    def forward(self, pair: Tensor) -> CriticOutput:
        x, y = pair[:, :1], pair[:, 1:]
        first = y + self.layer * x
        return CriticOutput(
            self.of_x * x + self.of_y * y + self.offset, {"first": first, "second": first[:, :, :2].square()}
        )


def G(v):
    return 0.7 * v + 0.2


def D(x, y, p=None):
    p = p or {"D.of_x": -0.5, "D.of_y": 0.8, "D.offset": 0.1}
    return p["D.of_x"] * x + p["D.of_y"] * y + p["D.offset"]


def ssim(a, b):
    """Wang et al. 2004, eq. 13, of single-channel pictures as large as the window, in [−1, 1]: brightness 0 to 255."""
    side = a.shape[-1]
    at = np.arange(side) - (side - 1) / 2
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    a, b = (127.5 * (v[:, 0] + 1) for v in (a, b))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    actual = []
    for p, q in zip(a, b, strict=True):
        mp, mq = (window * p).sum(), (window * q).sum()
        vp, vq, vpq = (
            (window * (p - mp) ** 2).sum(),
            (window * (q - mq) ** 2).sum(),
            (window * (p - mp) * (q - mq)).sum(),
        )
        actual.append((2 * mp * mq + c1) * (2 * vpq + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.array(actual)


def feature_distance(fake):
    first = [np.abs((y + 2 * x) - (fake + 2 * x)), np.abs((y + 2 * x)[:, :, :2] ** 2 - (fake + 2 * x)[:, :, :2] ** 2)]
    return (per_image(first[0]) + per_image(first[1])) / 2


def game_of(**options) -> Pix2Pix:
    return Pix2Pix(Affine(0.7, 0.2), Beside(), least_squares, **options)


def parts_of(game: Pix2Pix, name: str, seen: int = 0) -> dict[str, Tensor]:
    with torch.no_grad():
        fake = game.generate(Round(Y, X, {}))
    [turn] = [turn for turn in game.turns(seen) if turn.name == name]
    return turn.loss(Round(Y, X, {}, fake))


def close(actual: Tensor, expected: np.ndarray, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=rtol)


def test_the_critics_terms():
    """It sees each answer beside the picture it is made of."""
    parts = parts_of(game_of(), "critic")
    assert set(parts) == {"real", "fake"}
    close(parts["real"], per_image((D(x, y) - 1) ** 2 / 2))
    close(parts["fake"], per_image(D(x, G(x)) ** 2 / 2))


def test_the_generators_terms():
    parts = parts_of(game_of(generator_terms=[structure, matching]), "generator")
    assert set(parts) == {"generator", "l1", "structure", "matching"}
    close(parts["generator"], per_image((D(x, G(x)) - 1) ** 2 / 2))
    close(parts["l1"], distance_l1(y, G(x)))
    close(parts["structure"], 1 - ssim(y, G(x)), rtol=1e-4)  # which is computed in float32
    close(parts["matching"], feature_distance(G(x)))


def test_l1_is_always_there():
    assert set(parts_of(game_of(), "generator")) == {"generator", "l1"}


def test_structure_of_even_greys():
    """Without variance SSIM is (2 m n + C₁) / (m² + n² + C₁) of the two brightnesses."""
    game = game_of(generator_terms=[structure])
    game.players["G"].gain.data.fill_(0)
    with torch.no_grad():
        round = Round(torch.full_like(Y, -0.5), X, {}, torch.full_like(Y, 0.2))
    m, n, c = 127.5 * 0.5, 127.5 * 1.2, (0.01 * 255) ** 2
    expected = 1 - (2 * m * n + c) / (m * m + n * n + c)
    close(game.turns(0)[1].loss(round)["structure"], np.full(3, expected), rtol=1e-4)


def test_gradients_of_the_generator_are_those_of_the_paper():
    """The critic holds still."""
    weights = dict(RECIPES["pix2pix"].weights) | {"structure": 0.0, "matching": 10.0}
    assert weights["l1"] == 100
    game = game_of(generator_terms=[matching])
    at = numbers(game.players["G"])
    played = play_turn(game, "generator", Y, X, weights)

    def loss(p):
        made = p["gain"] * x + p["offset"]
        fools = per_image((D(x, made) - 1) ** 2 / 2)
        return float((fools + 100 * distance_l1(y, made) + 10 * feature_distance(made)).mean())

    expected = {f"G.{name}": value for name, value in numerical_gradients(loss, at).items()}
    assert_gradients(played.gradients, expected)


def test_structure_pulls_the_way_it_falls():
    game = game_of(generator_terms=[structure])
    at = numbers(game.players["G"])
    played = play_turn(game, "generator", Y, X, {"structure": 20.0, "l1": 0.0, "generator": 0.0})

    def loss(p):
        return float(20 * (1 - ssim(y, p["gain"] * x + p["offset"])).mean())

    for name, value in numerical_gradients(loss, at).items():
        np.testing.assert_allclose(played.gradients[f"G.{name}"], value, rtol=1e-3)


def test_matching_holds_the_features_of_the_right_answer_still():
    game = game_of(generator_terms=[matching])
    part = parts_of(game, "generator")["matching"].mean()
    (actual,) = torch.autograd.grad(part, [game.players["D"].layer])
    fake, right = G(x), y + 2 * x

    def loss(p):
        first = fake + p["layer"] * x
        return float((per_image(np.abs(right - first)) + per_image(np.abs(right**2 - first**2)[:, :, :2])).mean() / 2)

    np.testing.assert_allclose(float(actual), numerical_gradients(loss, {"layer": np.array(2.0)})["layer"], rtol=1e-6)


def test_gradients_of_the_critic_are_those_of_the_paper():
    game = game_of(generator_terms=[matching])
    at = {name: value for name, value in numbers(game.players).items() if name[0] == "D"}
    played = play_turn(game, "critic", Y, X)

    def loss(p):
        return float(((D(x, y, p) - 1) ** 2 + D(x, G(x), p) ** 2).mean() / 2)

    assert_gradients(played.gradients, numerical_gradients(loss, at))


def test_at_first_g_learns_by_distances_alone():
    game = game_of(warm_up=100, generator_terms=[structure, matching])
    for seen, names in ((0, ["warm-up"]), (99, ["warm-up"]), (100, ["critic", "generator"])):
        assert [turn.name for turn in game.turns(seen)] == names
    [turn] = game.turns(0)
    parts = parts_of(game, "warm-up")
    assert turn.learns == ("G",) and set(parts) == {"l1", "structure"}
    close(parts["l1"], distance_l1(y, G(x)))
    close(parts["structure"], 1 - ssim(y, G(x)), rtol=1e-4)


def test_both_pictures_of_a_pair_are_varied_alike():
    """The second pair and the third are mirrored, and what leaves the range is cut off."""
    game = game_of(vary=Augment(("flip",), ScheduledBuffer(lambda seen: 1.0)))
    u = torch.tensor([[0.0, 0.2], [0.0, 0.7], [0.0, 0.9]], dtype=torch.float64)
    assert game.latents["vary"](3, (1, 4, 4), torch.Generator()).shape == u.shape
    round = game.preprocess_round(Round(Y * 1.2, X, {"vary": u}))
    assert (Y * 1.2).abs().max() > 1
    for actual, before in ((round.real, (1.2 * y).clip(-1, 1)), (round.condition, x)):
        expected = np.stack([before[0], before[1][:, :, ::-1], before[2][:, :, ::-1]])
        np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_classes_are_not_varied():
    game, classes = game_of(vary=Augment(("flip",), ScheduledBuffer(lambda seen: 1.0))), torch.tensor([0, 1, 2])
    round = game.preprocess_round(Round(Y, classes, {"vary": torch.full((3, 2), 0.9, dtype=torch.float64)}))
    assert round.condition is classes
    np.testing.assert_allclose(round.real.numpy(), y[..., ::-1], rtol=1e-6, atol=1e-7)


def restoration(**options) -> Restoration:
    return Restoration(Affine(0.7, 0.2), Beside(), least_squares, degradation=Degradation(("noise:0.1",)), **options)


def test_restoration_starts_from_a_damaged_copy_of_the_right_answer():
    game = restoration()
    [name] = game.latents
    noise = torch.linspace(-1, 1, Y.numel(), dtype=torch.float64).view(Y.shape)
    round = game.preprocess_round(Round(Y, None, {name: noise}))
    damaged = np.round((np.clip(y + noise.numpy(), -1, 1) + 1) * 127.5) / 127.5 - 1  # as 8 bits keep it
    assert torch.equal(round.real, Y)
    close(round.condition, damaged, rtol=1e-9)
    close(game.generate(round), G(damaged), rtol=1e-9)


def test_restoration_damages_what_was_varied():
    game = restoration(vary=Augment(("flip",), ScheduledBuffer(lambda seen: 1.0)))
    noise = torch.linspace(-1, 1, Y.numel(), dtype=torch.float64).view(Y.shape)
    [name] = set(game.latents) - {"vary"}
    u = torch.full((3, 2), 0.9, dtype=torch.float64)
    round = game.preprocess_round(Round(Y, None, {name: noise, "vary": u}))
    mirrored = y[..., ::-1]
    damaged = np.round((np.clip(mirrored + noise.numpy(), -1, 1) + 1) * 127.5) / 127.5 - 1
    np.testing.assert_allclose(round.real.numpy(), mirrored, atol=1e-6)
    np.testing.assert_allclose(round.condition.numpy(), damaged, atol=1e-2)  # one 8-bit step, where rounding ties


@pytest.mark.parametrize("turn", ["critic", "generator"])
def test_the_loop_shows_both_turns_of_a_restoration_the_same_damage(turn):
    played = play_turn(restoration(), turn, Y)
    real, given = played.batch.real.numpy(), played.batch.condition.numpy()
    assert 0.05 < np.abs(real - given).mean() < 0.4
    if turn == "critic":
        assert played.parts["real"] == pytest.approx(((D(given, real) - 1) ** 2 / 2).mean())
        assert played.parts["fake"] == pytest.approx((D(given, G(given)) ** 2 / 2).mean())
    else:
        assert played.parts["l1"] == pytest.approx(np.abs(real - G(given)).mean())
