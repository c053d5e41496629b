"""Lazy regularisation: a penalty played in every n-th round weighs n times as much, and Adam is corrected for the
extra steps. Karras et al. 2020 (arXiv:1912.04958), section 3.1 and appendix B."""

import numpy as np
import pytest
import torch
from by_hand import Affine, Batch, assert_gradients, play_turn

from sparring.game import FunctionTerm
from sparring.games.gan import GAN
from sparring.losses.objectives import wasserstein
from sparring.losses.penalties import r1
from sparring.training.loop.loop import Loop
from sparring.training.loop.optim import Adam
from sparring.training.loop.settings import Settings

REAL = torch.tensor([[1.0], [2.0], [4.0], [-3.0]], dtype=torch.float64)
GAMMA, LAMBDA = 0.5, 0.25
size = FunctionTerm("size", lambda verdict: verdict.fake.square().flatten(1).mean(1))
"""A penalty of the generator: G(z)²."""


def normal64(n: int, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.randn(n, 1, generator=generator, dtype=torch.float64)


def game_of(every: int, generator_every: int) -> GAN:
    penalties = {"penalty_every": every, "generator_penalties": [size], "generator_penalty_every": generator_every}
    return GAN(Affine(1.5, 0.5), Affine(0.8, 0.1), wasserstein, [r1], latents={"z": normal64}, **penalties)


WEIGHTS = {"r1": GAMMA, "size": LAMBDA, "real": 3.0}


def test_a_lazy_penalty_of_the_critic_weighs_n_times_as_much():
    """D(x) = 0.8 x + 0.1 has the slope 0.8 everywhere: r1 = ½ 0.8², whose gradient in the gain is 0.8."""
    played = play_turn(game_of(3, 2), "smooth", REAL, weights=WEIGHTS)
    assert played.parts == pytest.approx({"r1": 0.32})  # the part itself is unweighted
    assert_gradients(played.gradients, {"D.gain": np.array(3 * GAMMA * 0.8), "D.offset": np.array(0.0)})


def test_a_lazy_penalty_of_the_generator_weighs_n_times_as_much():
    played = play_turn(game_of(3, 2), "smooth_generator", REAL, weights=WEIGHTS)
    z = played.batch.latent["z"].numpy()
    fake = 1.5 * z + 0.5
    assert played.parts == pytest.approx({"size": (fake**2).mean()})
    by_hand = {"G.gain": 2 * LAMBDA * (2 * fake * z).mean(), "G.offset": 2 * LAMBDA * (2 * fake).mean()}
    assert_gradients(played.gradients, {name: np.array(value) for name, value in by_hand.items()})


def test_what_is_played_in_every_round_weighs_once():
    """Wasserstein: real −D(x), weighed by 3, and fake D(G(z))."""
    for game, terms in ((game_of(3, 2), 0.0), (game_of(1, 1), GAMMA * 0.8)):
        played = play_turn(game, "critic", REAL, weights=WEIGHTS)
        z = played.batch.latent["z"].numpy()
        gain = -3 * REAL.mean().item() + (1.5 * z + 0.5).mean() + terms
        assert_gradients(played.gradients, {"D.gain": np.array(gain), "D.offset": np.array(-3.0 + 1)})


def test_over_n_rounds_a_lazy_penalty_pulls_as_hard_as_a_steady_one():
    """Six rounds at rate 0: the sum of the penalties' gradients is the same."""
    sums = {}
    for every in (1, 2, 3, 6):
        game, total = game_of(every, 1), 0.0
        only = [turn for turn in game.turns(0) if turn.name == ("smooth" if every > 1 else "critic")]
        game.turns = lambda seen, only=only: only  # type: ignore[method-assign]
        weights = WEIGHTS | {"real": 0.0, "fake": 0.0}
        loop = Loop(game, Batch(REAL), Settings(4, optimisers={"D": Adam(lr=0.0)}, weights=weights))
        for _ in range(6):
            game.players["D"].gain.grad = None
            played = loop.round()
            total += float(game.players["D"].gain.grad) if any("r1" in name for name in played) else 0.0
        sums[every] = total
    assert sums == pytest.approx(dict.fromkeys(sums, 6 * GAMMA * 0.8))


def test_lazy_turns_are_played_in_every_nth_round_from_the_first():
    loop = Loop(game_of(3, 2), Batch(REAL), Settings(4))
    played = [{name.split(".")[0] for name in loop.round()} for _ in range(7)]
    assert [i for i, names in enumerate(played) if "smooth" in names] == [0, 3, 6]
    assert [i for i, names in enumerate(played) if "smooth_generator" in names] == [0, 2, 4, 6]
    assert all({"critic", "generator"} <= names for names in played)


def test_adam_takes_smaller_steps_with_longer_memory():
    """c = n / (n + 1) of the rate, and β to its power."""
    loop = Loop(game_of(3, 2), Batch(REAL), Settings(4, optimisers={name: Adam(1e-3, 0.5, 0.99) for name in "GD"}))
    loop.round()
    for player, c in (("D", 3 / 4), ("G", 2 / 3)):
        [group] = loop.optimisers[player].param_groups
        assert group["lr"] == pytest.approx(c * 1e-3)
        assert group["betas"] == pytest.approx((0.5**c, 0.99**c))
