"""CycleGAN's loss terms against the formulas of Zhu et al. 2017 (arXiv:1703.10593), on players of two numbers."""

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

from sparring.game import Round
from sparring.games.cyclegan import CycleGAN
from sparring.games.shared.fake_history import FakeHistory
from sparring.losses.objectives import least_squares, relativistic
from sparring.recipes import RECIPES

# Examples y are of the domain that G goes to, x of the one it comes from.
Y, X = random_images(4, 1, 2, seed=0), random_images(4, 1, 2, seed=1) * 2 + 1
y, x = Y.numpy(), X.numpy()


def game_of(objective=least_squares, size=5, **options) -> CycleGAN:
    players = {"G": Affine(1.3, 0.2), "F": Affine(0.7, -0.4), "D": Affine(0.9, 0.1), "C": Affine(-0.6, 0.3)}
    pools = FakeHistory((1, 2, 2), size).double(), FakeHistory((1, 2, 2), size).double()
    return CycleGAN(players, objective, pools, **options)


def G(v):
    return 1.3 * v + 0.2


def F(v):
    return 0.7 * v - 0.4


def D(v):
    return 0.9 * v + 0.1


def C(v):
    return -0.6 * v + 0.3


def latent(*rows) -> dict[str, torch.Tensor]:
    u = torch.tensor(rows or [[0.9, 0.0]] * 4)
    return {"pool_D": u, "pool_C": u}


def round_of(game: CycleGAN, drawn=None) -> Round:
    drawn = drawn or latent()
    with torch.no_grad():
        return Round(Y, X, drawn, game.generate(Round(Y, X, drawn)))


def close(actual: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-12)


def test_g_takes_what_is_given_and_f_the_examples():
    made_y, made_x = round_of(game_of()).fake
    close(made_y, G(x))
    close(made_x, F(y))


def test_critics_then_translators():
    turns = game_of().turns(0)
    assert [(turn.name, turn.learns) for turn in turns] == [("critics", ("D", "C")), ("translators", ("G", "F"))]
    assert game_of().generators == ("G", "F")


def test_the_translators_terms():
    game = game_of()
    parts = game.turns(0)[1].loss(round_of(game))
    assert set(parts) == {"fools_D", "fools_C", "cycle", "identity"}
    close(parts["fools_D"], per_image((D(G(x)) - 1) ** 2 / 2))
    close(parts["fools_C"], per_image((C(F(y)) - 1) ** 2 / 2))
    close(parts["cycle"], distance_l1(F(G(x)), x) + distance_l1(G(F(y)), y))
    close(parts["identity"], distance_l1(G(y), y) + distance_l1(F(x), x))


def test_no_identity_between_domains_of_other_channels():
    game = game_of(identity=False)
    assert set(game.turns(0)[1].loss(round_of(game))) == {"fools_D", "fools_C", "cycle"}


def test_the_critics_terms():
    game = game_of()
    parts = game.turns(0)[0].loss(round_of(game))
    assert set(parts) == {"real_D", "fake_D", "real_C", "fake_C"}
    close(parts["real_D"], per_image((D(y) - 1) ** 2 / 2))
    close(parts["fake_D"], per_image(D(G(x)) ** 2 / 2))
    close(parts["real_C"], per_image((C(x) - 1) ** 2 / 2))
    close(parts["fake_C"], per_image(C(F(y)) ** 2 / 2))


def test_each_critic_pairs_its_own_domain_with_the_fakes_of_it():
    """By an objective that looks at both sides, in both turns."""
    game = game_of(relativistic)
    critics, translators = (turn.loss(round_of(game)) for turn in game.turns(0))

    def raised(logit):
        return per_image(np.log1p(np.exp(-logit)))

    close(critics["critic_D"], raised(D(y) - D(G(x))))
    close(critics["critic_C"], raised(C(x) - C(F(y))))
    close(translators["fools_D"], raised(D(G(x)) - D(y)))
    close(translators["fools_C"], raised(C(F(y)) - C(x)))


def test_gradients_of_the_translators_are_those_of_the_paper():
    """(D(G(x)) − 1)² + (C(F(y)) − 1)² + 10 cycle + 5 identity, by the recipe's weights; critics hold still."""
    game = game_of()
    at = numbers(game.players)
    played = play_turn(game, "translators", Y, X, RECIPES["cyclegan"].weights)

    def loss(p):
        def g(v):
            return p["G.gain"] * v + p["G.offset"]

        def f(v):
            return p["F.gain"] * v + p["F.offset"]

        fools = (D(g(x)) - 1) ** 2 + (C(f(y)) - 1) ** 2
        cycle = np.abs(f(g(x)) - x) + np.abs(g(f(y)) - y)
        identity = np.abs(g(y) - y) + np.abs(f(x) - x)
        return float((fools + 10 * cycle + 5 * identity).mean())

    expected = numerical_gradients(loss, at)
    assert_gradients(played.gradients, {name: expected[name] for name in expected if name[0] in "GF"})


def test_gradients_of_the_critics_are_those_of_the_paper():
    """Half of (D(y) − 1)² + D(G(x))² (section 7.1 of the paper's appendix); translators hold still."""
    game = game_of()
    at = numbers(game.players)
    played = play_turn(game, "critics", Y, X, RECIPES["cyclegan"].weights)

    def loss(p):
        def d(v):
            return p["D.gain"] * v + p["D.offset"]

        def c(v):
            return p["C.gain"] * v + p["C.offset"]

        of_d = (d(y) - 1) ** 2 + d(G(x)) ** 2
        of_c = (c(x) - 1) ** 2 + c(F(y)) ** 2
        return float((of_d + of_c).mean() / 2)

    expected = numerical_gradients(loss, at)
    assert_gradients(played.gradients, {name: expected[name] for name in expected if name[0] in "DC"})


def test_critics_see_their_own_past_fakes():
    """Two pools of two pictures: D sees from its own, by its own numbers, and C from the other."""
    game = game_of(size=2)
    for pool, values in zip(game.pools, ((10.0, 20.0), (30.0, 40.0)), strict=True):
        pool.images.copy_(torch.tensor(values).view(2, 1, 1, 1).expand_as(pool.images))
        pool.held.fill_(2)
    drawn = {
        "pool_D": torch.tensor([[0.1, 0.7], [0.9, 0.0], [0.6, 0.0], [0.2, 0.2]]),
        "pool_C": torch.tensor([[0.7, 0.7], [0.4, 0.9], [0.5, 0.0], [0.8, 0.2]]),
    }
    round = round_of(game, drawn)
    critics = game.turns(0)[0]
    parts = critics.loss(round)
    fake_y, fake_x = G(x), F(y)
    shown_y = np.stack([np.full((1, 2, 2), 20.0), fake_y[1], fake_y[2], np.full((1, 2, 2), 10.0)])
    shown_x = np.stack([fake_x[0], np.full((1, 2, 2), 40.0), fake_x[2], fake_x[3]])
    close(parts["fake_D"], per_image(D(shown_y) ** 2 / 2))
    close(parts["fake_C"], per_image(C(shown_x) ** 2 / 2))
    assert torch.equal(game.pools[0].images[:, 0, 0, 0], torch.tensor([10.0, 20.0], dtype=torch.float64))  # still
    critics.after(round.notes)
    close(game.pools[0].images, np.stack([fake_y[3], fake_y[0]]))
    close(game.pools[1].images, np.stack([np.full((1, 2, 2), 30.0), fake_x[1]]))


def test_the_loop_fills_the_pools_after_the_critics_turn():
    game = game_of(size=3)
    batch = play_turn(game, "critics", Y, X).batch
    assert isinstance(batch.real, torch.Tensor) and batch.condition is not None
    u_d, u_c = batch.latent["pool_D"].tolist(), batch.latent["pool_C"].tolist()
    for pool, fakes, u in ((game.pools[0], G(batch.condition), u_d), (game.pools[1], F(batch.real), u_c)):
        expected = [fakes[0], fakes[1], fakes[2]]  # the fourth meets a full pool
        if u[3][0] < 0.5:
            expected[int(3 * u[3][1])] = fakes[3]
        assert int(pool.held) == 3
        torch.testing.assert_close(pool.images, torch.stack(expected))


@pytest.mark.parametrize("name", ["pool_D", "pool_C"])
def test_a_pool_has_two_uniform_numbers_a_picture(name):
    u = game_of().turns(0)[0].draws[name](4000, (1, 2, 2), torch.Generator().manual_seed(0))
    assert u.shape == (4000, 2) and u.min() >= 0 and u.max() < 1
    assert (u.mean(0) - 0.5).abs().max() < 0.03 and abs(float(torch.corrcoef(u.T)[0, 1])) < 0.06
