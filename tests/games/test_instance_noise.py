"""How a critic sees examples: each side through noise, and augmentations, of its own."""

import torch
from by_hand import Affine, Batch
from torch import nn

from sparring.augment import Augment
from sparring.game import Round, ScheduledBuffer
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.losses.objectives import wasserstein
from sparring.priors import normal
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import Settings

REAL, FAKE = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[-1.0, -2.0], [-3.0, -4.0]])


def game_of(critic_input: CriticInput, D: nn.Module | None = None) -> GAN:
    return GAN(
        Affine(2.0, 0.5), D or Affine(1.0, 0.0), wasserstein, latents={"z": normal(2)}, critic_input=critic_input
    )


def test_each_side_has_noise_of_its_own():
    noise_real, noise_fake = torch.tensor([[4.0, 8.0], [12.0, 16.0]]), torch.tensor([[1.0, -1.0], [2.0, -2.0]])
    latent = {"z": FAKE, "noise_real": noise_real, "noise_fake": noise_fake}
    game = game_of(CriticInput(lambda seen: 0.25))
    verdict = game.verdict(Round(REAL, None, latent, FAKE))
    assert verdict.real.tolist() == [[2, 4], [6, 8]]
    assert verdict.fake.tolist() == [[-0.75, -2.25], [-2.5, -4.5]]
    # The generator once more, through the noise of fakes: 2 z + 0.5 + 0.25 noise.
    again = verdict.regenerate({"z": torch.ones(2, 2)})
    assert again.tolist() == [[2.75, 2.25], [3.0, 2.0]]
    assert verdict.on_real.tolist() == verdict.real.tolist() and verdict.on_fake.tolist() == verdict.fake.tolist()


def test_the_loop_draws_independent_noise_for_both_sides():
    """Standard normal, 2,000 numbers a side: moments and correlation within 5 deviations."""
    game, real = game_of(CriticInput(lambda seen: 0.5)).double(), torch.zeros(500, 4, dtype=torch.float64)
    game.latents["z"] = normal(4)
    loop = Loop(game, Batch(real), Settings(batch=500))
    loop.round()
    assert loop.latest is not None
    sides = torch.stack([loop.latest.latent[f"noise_{side}"].flatten() for side in ("real", "fake")])
    assert sides.shape == (2, 2000)
    assert sides.mean(1).abs().max() < 0.112 and (sides.var(1) - 1).abs().max() < 0.16
    assert abs(float(torch.corrcoef(sides)[0, 1])) < 0.112


def test_both_turns_draw_noise_for_both_sides():
    for turn in game_of(CriticInput(lambda seen: 0.5)).turns(0):
        assert set(turn.draws) == {"noise_real", "noise_fake"}


def test_each_side_is_augmented_by_numbers_of_its_own():
    """The first real picture is mirrored, and the second fake one."""
    game = game_of(CriticInput(augment=Augment(("flip",), ScheduledBuffer(lambda seen: 1.0))))
    real, fake = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    u = {"augment_real": torch.tensor([[0.0, 0.9], [0.0, 0.1]]), "augment_fake": torch.tensor([[0.0, 0.1], [0.0, 0.9]])}
    images = [x.view(2, 1, 1, 2).expand(2, 1, 2, 2) for x in (real, fake)]
    verdict = game.verdict(Round(images[0], None, u, images[1]))
    torch.testing.assert_close(verdict.on_real[:, 0, 0], torch.tensor([[2.0, 1.0], [3.0, 4.0]]))
    torch.testing.assert_close(verdict.on_fake[:, 0, 0], torch.tensor([[5.0, 6.0], [8.0, 7.0]]))
    assert set(game.turns(0)[0].draws) == {"augment_real", "augment_fake"}
