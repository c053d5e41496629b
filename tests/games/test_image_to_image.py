"""The critic's input in image-to-image games, and the range of augmented pairs."""

import pytest
import torch
from torch import nn

from sparring.augment import Augment
from sparring.game import Round, ScheduledBuffer
from sparring.games.image_to_image import ImageToImageGAN
from sparring.games.pix2pix import Pix2Pix
from sparring.losses.objectives import least_squares

X, Y = torch.full((2, 2, 3, 3), 0.9), torch.full((2, 1, 3, 3), -0.9)


class Seeing(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        return x.flatten(1).mean(1, keepdim=True)


@pytest.mark.parametrize("shows", [True, False])
def test_the_critic_gets_x_and_y_in_channels(shows):
    D = Seeing()
    game = ImageToImageGAN(nn.Conv2d(2, 1, 1), D, least_squares, latents={}, shows=shows)
    round = Round(Y, X, {})
    fake = game.generate(round)
    assert torch.equal(fake, game.players["G"](X))
    v = game.verdict(Round(Y, X, {}, fake))
    assert v.on_real.shape == v.on_fake.shape == (2, 1)
    for seen, y in zip(D.seen, (Y, fake), strict=True):
        assert torch.equal(seen, torch.cat([X, y], 1) if shows else y)


def test_augmented_pairs_stay_in_range():
    game = Pix2Pix(
        nn.Identity(), Seeing(), least_squares, vary=Augment(("brighten",), ScheduledBuffer(lambda seen: 1.0))
    )
    for u, condition, real in ((0.9, 1.0, -0.5), (0.1, 0.5, -1.0)):
        round = game.preprocess_round(Round(Y, X, {"vary": torch.tensor([[0.0, u]] * 2)}))
        torch.testing.assert_close(round.condition, torch.full_like(X, condition))
        torch.testing.assert_close(round.real, torch.full_like(Y, real))
