"""Recipes of residual and coupled networks: resumed to the bit, and the same samples from a model on disk."""

import pytest
import torch
from torch.nn.utils import parametrize

from sparring.model import Description, Model, load
from sparring.networks.attention import SelfAttention
from sparring.recipes import RECIPES
from sparring.recipes.numbers import with_numbers
from sparring.training.loop import Loop

SHAPES = {"sngan": (1, 8, 8), "sagan": (1, 8, 8), "cogan": (2, 8, 8)}
SMALL = {"batch": "8", "generator.width": "4", "critic.width": "4"}


class Pictures:
    def __init__(self, shape):
        self.x = torch.rand(24, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], None


def loop_of(name: str) -> Loop:
    torch.manual_seed(0)
    recipe = with_numbers(RECIPES[name], SMALL)
    return Loop(recipe.game(SHAPES[name]), Pictures(SHAPES[name]), recipe.settings())


@pytest.mark.parametrize("name", SHAPES)
def test_resumed_to_the_bit_and_read_again(name, tmp_path):
    loop = loop_of(name)
    before = {name: p.clone() for name, p in loop.game.players.named_parameters()}
    for _ in range(2):
        loop.round()
    state = {name: value.clone() for name, value in loop.state().items()}
    for _ in range(2):
        loop.round()
    assert not [name for name, p in loop.game.players.named_parameters() if torch.equal(p, before[name])]
    other = loop_of(name)
    other.restore(state)
    for _ in range(2):
        other.round()
    assert all(torch.equal(value, other.state()[name]) for name, value in loop.state().items())
    model = Model(Description(with_numbers(RECIPES[name], SMALL), SHAPES[name]), loop.ema.players["G"])
    model.save(tmp_path)
    assert torch.equal(load(tmp_path).sample(5, seed=3), model.sample(5, seed=3))


def test_sagan_attends_in_both_players():
    game = loop_of("sagan").game
    for player in game.players.values():
        (layer,) = [m for m in player.modules() if isinstance(m, SelfAttention)]
        assert parametrize.is_parametrized(layer.query, "weight")
