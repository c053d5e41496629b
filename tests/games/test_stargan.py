"""StarGAN's loss terms against the formulas of Choi et al. 2018 (arXiv:1711.09020), on players of a few numbers."""

import numpy as np
import torch
from by_hand import assert_gradients, distance_l1, numbers, numerical_gradients, per_image, play_turn, random_images
from torch import Tensor, nn

from sparring.game import CriticOutput, Round
from sparring.games.stargan import StarGAN
from sparring.losses.auxiliary import class_of_fake, class_of_real
from sparring.losses.objectives import least_squares
from sparring.recipes import RECIPES

DOMAINS = 3
X, OF = random_images(6, 1, 2, seed=0), torch.tensor([0, 1, 2, 0, 1, 2])
x, of = X.numpy(), OF.numpy()
# Of each picture the domain it is moved to: 0, 1, 1, 2, 0, 2; the first, the second and the last stay.
U = torch.tensor([0.1, 0.5, 0.34, 0.99, 0.33, 0.67], dtype=torch.float64)
to = np.array([0, 1, 1, 2, 0, 2])
stays = np.array([1, 1, 0, 0, 0, 1])

GAIN, OFFSET = np.array([1.2, 0.8, -0.5]), np.array([0.1, -0.3, 0.4])
SLOPE, BIAS = np.array([1.0, -2.0, 0.5]), np.array([0.2, 0.1, -0.4])


class Mover(nn.Module):
    """A gain and an offset for each domain."""

    def __init__(self):
        super().__init__()
        self.gain, self.offset = (nn.Parameter(torch.tensor(value)) for value in (GAIN, OFFSET))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.gain[c].view(-1, 1, 1, 1) * x + self.offset[c].view(-1, 1, 1, 1)


class Judge(nn.Module):
    """Patch logits 0.9 x + 0.1, and class logits that are affine in the mean."""

    def __init__(self):
        super().__init__()
        self.gain, self.offset = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in (0.9, 0.1))
        self.slope, self.bias = (nn.Parameter(torch.tensor(value)) for value in (SLOPE, BIAS))

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(
            self.gain * x + self.offset, {"class": x.flatten(1).mean(1)[:, None] * self.slope + self.bias}
        )


def game_of() -> StarGAN:
    options = {"critic_terms": [class_of_real], "generator_terms": [class_of_fake], "conditional": True}
    return StarGAN(Mover(), Judge(), least_squares, domains=DOMAINS, **options)


def G(v, c, gain=GAIN, offset=OFFSET):
    return gain[c][:, None, None, None] * v + offset[c][:, None, None, None]


def D(v, gain=0.9, offset=0.1):
    return gain * v + offset


def class_loss(v, c, slope=SLOPE, bias=BIAS):
    """−log softmax of the class c."""
    logits = per_image(v)[:, None] * slope + bias
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(c)), c]


def parts_of(name: str) -> dict[str, Tensor]:
    game, latent = game_of(), {"domain": U}
    with torch.no_grad():
        fake = game.generate(Round(X, OF, latent))
    [turn] = [turn for turn in game.turns(0) if turn.name == name]
    return turn.loss(Round(X, OF, latent, fake))


def close(actual: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-12)


def test_examples_are_moved_to_the_domains_drawn():
    game, round = game_of(), Round(X, OF, {"domain": U})
    assert game.target_domain(round).tolist() == to.tolist()
    close(game.generate(round), G(x, to))
    u = game.latents["domain"](3000, (1, 2, 2), torch.Generator().manual_seed(0))
    drawn = game.target_domain(Round(X, OF, {"domain": u})).bincount(minlength=DOMAINS)
    assert len(drawn) == DOMAINS and (drawn - 1000).abs().max() < 130  # 5 deviations


def test_the_critics_terms():
    """It learns the class of real pictures alone, which is that given with them."""
    parts = parts_of("critic")
    assert set(parts) == {"real", "fake", "class"}
    close(parts["real"], per_image((D(x) - 1) ** 2 / 2))
    close(parts["fake"], per_image(D(G(x, to)) ** 2 / 2))
    close(parts["class"], class_loss(x, of))


def test_the_generators_terms():
    parts, made = parts_of("generator"), G(x, to)
    assert set(parts) == {"generator", "class", "cycle", "identity"}
    close(parts["generator"], per_image((D(made) - 1) ** 2 / 2))
    close(parts["class"], class_loss(made, to))  # the domain drawn, not that of the example
    close(parts["cycle"], distance_l1(G(made, of), x))  # back to the domain of the example
    close(parts["identity"], DOMAINS * stays * distance_l1(made, x))


def test_gradients_of_the_generator_are_those_of_the_paper():
    game, weights = game_of(), RECIPES["stargan"].weights
    assert weights == {"class": 1.0, "cycle": 10.0, "identity": 5.0}
    at = numbers(game.players)
    played = play_turn(game, "generator", X, OF, weights)
    v, y = played.batch.real.numpy(), played.batch.condition.numpy()
    c = np.floor(DOMAINS * played.batch.latent["domain"].numpy()).astype(int)
    assert (c == y).any() and (c != y).any()

    def loss(p):
        def g(v, c):
            return G(v, c, p["G.gain"], p["G.offset"])

        made = g(v, c)
        fools = per_image((D(made) - 1) ** 2 / 2)
        identity = DOMAINS * (c == y) * distance_l1(made, v)
        return float((fools + class_loss(made, c) + 10 * distance_l1(g(made, y), v) + 5 * identity).mean())

    expected = numerical_gradients(loss, at)
    assert_gradients(played.gradients, {name: expected[name] for name in ("G.gain", "G.offset")})


def test_gradients_of_the_critic_are_those_of_the_paper():
    game = game_of()
    at = numbers(game.players)
    played = play_turn(game, "critic", X, OF, {"class": 2.0})
    v, y = played.batch.real.numpy(), played.batch.condition.numpy()
    made = G(v, np.floor(DOMAINS * played.batch.latent["domain"].numpy()).astype(int))

    def loss(p):
        def d(v):
            return D(v, p["D.gain"], p["D.offset"])

        adversarial = per_image((d(v) - 1) ** 2 + d(made) ** 2) / 2
        return float((adversarial + 2 * class_loss(v, y, p["D.slope"], p["D.bias"])).mean())

    expected = numerical_gradients(loss, at)
    assert_gradients(played.gradients, {name: expected[name] for name in expected if name[0] == "D"})
