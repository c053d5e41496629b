"""Players that grow: sizes fade in one by one, real images follow, and a run goes on as it stood."""

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.game import Round
from sparring.games.progressive import grown_after
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.progan import ProGANCritic, ProGANGenerator, blend_resolutions, downscale, upscale
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE = (2, 16, 16)
RECIPE = with_flags(
    RECIPES["progan"],
    {"phase": "16", "batch": "8", "z": "6"}
    | {f"{side}.{k}": v for side in ("generator", "critic") for k, v in {"width": "4", "widest": "8"}.items()},
)


PICTURES = Pictures(SHAPE)


def loop_of() -> Loop:
    torch.manual_seed(0)
    return Loop(build_game(RECIPE, SHAPE), PICTURES, loop_settings(RECIPE))


def test_a_size_is_played_and_then_the_next_is_faded_in():
    told = [grown_after(seen, 100) for seen in (0, 99, 100, 150, 199, 200, 300, 350, 400)]
    assert told == pytest.approx([0, 0, 0, 0.5, 0.99, 1, 1, 1.5, 2])


def test_images_are_of_the_full_size_and_show_no_more_than_their_stage():
    torch.manual_seed(0)
    G, z = ProGANGenerator(SHAPE, 6, 4, 8), torch.randn(3, 6)
    for stage, pixel in ((0, 4), (1, 2), (2, 1)):
        G.grow(stage)
        image = G(z)
        assert image.shape == (3, *SHAPE)
        small = downscale(image, 2 - stage)
        torch.testing.assert_close(image, upscale(small, 2 - stage))
        if pixel > 1:
            assert not torch.allclose(image, upscale(downscale(image, 3 - stage), 3 - stage))


def test_fading_goes_from_one_size_to_the_next_without_a_step():
    torch.manual_seed(0)
    players, inputs = (ProGANGenerator(SHAPE, 6, 4, 8), ProGANCritic(SHAPE, 4, 8)), (torch.randn(4, 6), PICTURES.x[:4])
    for player, x in zip(players, inputs, strict=True):
        answers = []
        for stage in (0.0, 1e-6, 0.5, 1 - 1e-6, 1.0):
            player.grow(stage)
            answers.append(player(x))
        torch.testing.assert_close(answers[0], answers[1], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(answers[3], answers[4], atol=1e-4, rtol=1e-4)
        assert not torch.allclose(answers[0], answers[4], atol=1e-2)
    halfway = upscale(downscale(PICTURES.x, 2), 2) / 2 + upscale(downscale(PICTURES.x, 1), 1) / 2
    torch.testing.assert_close(blend_resolutions(PICTURES.x, 0.5, 2), halfway)
    assert torch.equal(blend_resolutions(PICTURES.x, 2.0, 2), PICTURES.x)


def test_the_critic_sees_real_images_as_small_as_it_is_grown():
    game = build_game(RECIPE, SHAPE)
    g = torch.Generator().manual_seed(0)
    latent = {
        name: draw(4, SHAPE, g) for turn in game.turns(0) for name, draw in {**turn.draws, **game.latents}.items()
    }
    real = PICTURES.x[:4]
    for seen, stage in ((0, 0), (24, 0.5), (32, 1), (1000, 2)):
        game.turns(seen)
        seen_as = game.verdict(Round(real, None, latent, real)).real
        torch.testing.assert_close(seen_as, blend_resolutions(real, stage, 2))


def test_it_resumes_in_mid_growth_to_the_bit_and_is_read_again(tmp_path):
    loop, _ = resumed_to_the_bit(loop_of, before=3, after=8)  # after 24 images it is half grown to its second size
    model = Model(ModelSpec(RECIPE, SHAPE), loop.ema.players["G"])
    model.save(tmp_path)
    assert torch.equal(load_model(tmp_path).sample(3), model.sample(3)) and float(load_model(tmp_path).G.stage) == 2


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"conditioning": "input"}, "has no conditioning"),
        ({"images_per_phase": 0}, "images-per-phase is 0"),
        ({"critic": RECIPES["dcgan"].critic}, "dcgan-critic does not grow"),
    ],
)
def test_what_can_not_be_is_one_line(changes, line):
    with pytest.raises(UserError, match=line) as raised:
        build_game(changed(RECIPE, **changes), SHAPE, classes=2)
    assert "\n" not in str(raised.value)
