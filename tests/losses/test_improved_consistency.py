"""Terms of improved consistency regularisation, Zhao et al. 2020 (arXiv:2002.04724), by hand.

G(z) = 1.5 z + 0.5 is a picture of 8×8 pixels, and D weighs its pixels: D(x) = Σ w x + 0.1.
"""

import numpy as np
import torch
from by_hand import assert_gradients, numbers, numerical_gradients, play_turn, random_images
from torch import Tensor, nn

from sparring.game import Round
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.games.shared.methods import METHODS
from sparring.losses.consistency import consistent_fake, consistent_latent, consistent_real, latent_diversity
from sparring.losses.objectives import wasserstein

N, SIDE, SIGMA = 3, 8, 0.03
DIM = SIDE**2
REAL = random_images(N, 1, SIDE, seed=0)
WEIGHTS = torch.linspace(-1, 1, DIM, dtype=torch.float64).square()
w = WEIGHTS.numpy()


class Drawing(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain, self.offset = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in (1.5, 0.5))

    def forward(self, z: Tensor) -> Tensor:
        return (self.gain * z + self.offset).view(-1, 1, SIDE, SIDE)


class Weighing(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(WEIGHTS.clone())
        self.offset = nn.Parameter(torch.tensor(0.1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight[:, None] + self.offset


def normal64(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(n, DIM, generator=generator, dtype=torch.float64)


def game_of(**options) -> GAN:
    critic_terms = [consistent_real, consistent_fake, consistent_latent(DIM)]
    terms = {"critic_terms": critic_terms, "generator_terms": [latent_diversity(DIM)]}
    return GAN(Drawing(), Weighing(), wasserstein, latents={"z": normal64}, **terms, **options)


def shifted(x: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Down and right by an eighth of the side times `by`, to whole pixels; edges are repeated."""
    moved = np.empty_like(x)
    for n, (down, right) in enumerate(np.rint(by * SIDE / 8).astype(int)):
        for i in range(SIDE):
            for j in range(SIDE):
                moved[n, :, i, j] = x[n, :, np.clip(i - down, 0, SIDE - 1), np.clip(j - right, 0, SIDE - 1)]
    return moved


def D(x, p=None):
    p = p or {"D.weight": w, "D.offset": 0.1}
    return x.reshape(len(x), -1) @ p["D.weight"] + p["D.offset"]


def G(z, gain=1.5, offset=0.5):
    return (gain * z + offset).reshape(-1, 1, SIDE, SIDE)


def round_of(game: GAN) -> tuple[Round, dict[str, np.ndarray]]:
    g = torch.Generator().manual_seed(3)
    latent = {"z": normal64(N, (), g), "near": normal64(N, (), g)}
    latent["shift"] = torch.tensor([[0.9, -0.8], [0.1, 0.7], [-0.6, 0.0]], dtype=torch.float64)
    noise = {f"noise_{side}": random_images(N, 1, SIDE, seed) for side, seed in (("real", 5), ("fake", 6))}
    with torch.no_grad():
        fake = game.generate(Round(REAL, None, latent))
    return Round(REAL, None, latent | noise, fake), {name: value.numpy() for name, value in latent.items()}


def close(actual: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-9)


def test_the_critic_is_held_to_answer_alike():
    game = game_of()
    round, drawn = round_of(game)
    parts, x, fake = game.turns(0)[0].loss(round), REAL.numpy(), G(drawn["z"])
    close(parts["consistent_real"], (D(x) - D(shifted(x, drawn["shift"]))) ** 2)
    close(parts["consistent_fake"], (D(fake) - D(shifted(fake, drawn["shift"]))) ** 2)
    close(parts["consistent_latent"], (D(fake) - D(G(drawn["z"] + SIGMA * drawn["near"]))) ** 2)
    assert not np.allclose(x, shifted(x, drawn["shift"]))


def test_the_generator_is_rewarded_for_what_differs():
    """−‖G(z) − G(z + δ)‖² a pixel = −1.5² σ² mean(ε²) for δ = σ ε; instance noise, the same on both, cancels."""
    for critic_input in (None, CriticInput(lambda seen: 0.5)):
        game = game_of(critic_input=critic_input)
        round, drawn = round_of(game)
        part = game.turns(0)[1].loss(round)["varied"]
        close(part, -(1.5**2) * SIGMA**2 * (drawn["near"] ** 2).mean(1))
        assert part.max() < 0


def test_gradients_by_the_weights_of_the_paper():
    """The larger G's gain, the less its loss: ∂/∂gain of −½ gain² σ² mean(ε²) is negative."""
    weights = METHODS["improved-consistency"].weights
    assert weights == {"consistent_real": 10, "consistent_fake": 10, "consistent_latent": 5, "varied": 0.5}
    played = play_turn(game_of(), "generator", REAL, weights=dict(weights) | {"generator": 0.0})
    near = played.batch.latent["near"].double().numpy()
    assert_gradients(
        played.gradients,
        {"G.gain": np.array(-0.5 * 2 * 1.5 * SIGMA**2 * (near**2).mean()), "G.offset": np.array(0.0)},
    )


def test_gradients_of_the_critic():
    game = game_of()
    at = {name: value for name, value in numbers(game.players).items() if name[0] == "D"}
    weights = dict(METHODS["improved-consistency"].weights) | {"real": 0.0, "fake": 0.0}
    played = play_turn(game, "critic", REAL, weights=weights)
    x, drawn = played.batch.real.numpy(), {k: v.double().numpy() for k, v in played.batch.latent.items()}
    fake, near = G(drawn["z"]), G(drawn["z"] + SIGMA * drawn["near"])
    moved_x, moved_fake = (shifted(v, drawn["shift"]) for v in (x, fake))

    def loss(p):
        of_images = (D(x, p) - D(moved_x, p)) ** 2 + (D(fake, p) - D(moved_fake, p)) ** 2
        return float((10 * of_images + 5 * (D(fake, p) - D(near, p)) ** 2).mean())

    actual, expected = played.gradients, numerical_gradients(loss, at)
    assert set(actual) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-5, atol=1e-6)
