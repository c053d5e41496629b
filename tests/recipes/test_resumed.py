"""Recipes of residual and coupled networks: resumed to the bit, and the same samples from a model on disk."""

import pytest
import torch
from playing import Pictures, resumed_to_the_bit
from torch.nn.utils import parametrize

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.layers.attention import SelfAttention
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPES = {"sngan": (1, 8, 8), "sagan": (1, 8, 8), "cogan": (2, 8, 8)}
SMALL = {"batch": "8", "generator.width": "4", "critic.width": "4"}


def loop_of(name: str) -> Loop:
    torch.manual_seed(0)
    recipe = with_flags(RECIPES[name], SMALL)
    return Loop(build_game(recipe, SHAPES[name]), Pictures(SHAPES[name]), loop_settings(recipe))


@pytest.mark.parametrize("name", SHAPES)
def test_resumed_to_the_bit_and_read_again(name, tmp_path):
    loop, _ = resumed_to_the_bit(lambda: loop_of(name))
    model = Model(ModelSpec(with_flags(RECIPES[name], SMALL), SHAPES[name]), loop.ema.players["G"])
    model.save(tmp_path)
    assert torch.equal(load_model(tmp_path).sample(5, seed=3), model.sample(5, seed=3))


def test_sagan_attends_in_both_players():
    game = loop_of("sagan").game
    for player in game.players.values():
        (layer,) = [m for m in player.modules() if isinstance(m, SelfAttention)]
        assert parametrize.is_parametrized(layer.query, "weight")
