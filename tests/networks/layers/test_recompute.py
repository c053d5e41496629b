"""What is computed again is computed alike, and less is kept."""

from dataclasses import replace

import pytest
import torch
from playing import Pictures

import sparring
from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.networks.layers.recompute import recompute
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE = (3, 32, 32)
WIDTHS = {"generator.width": "8", "generator.widest": "16", "critic.width": "8", "critic.widest": "16"}
NARROW = WIDTHS | {"batch": "8", "penalties": "r1", "penalty-every": "1"}
NAMES = ["r3gan", "stylegan2", "progan", "sngan"]


def played(name: str, again: bool) -> tuple[Loop, int]:
    """A loop after two rounds, and the bytes that were kept for its backward passes."""
    recipe = with_flags(RECIPES[name], NARROW)
    torch.manual_seed(0)
    loop = Loop(build_game(recipe, SHAPE), Pictures(SHAPE), loop_settings(recipe))
    if again:
        able = {player: recompute(net) for player, net in loop.game.players.items()}
        assert able["D"] and bool(able["G"]) == (name != "sngan")  # whose generator has batch norm
    kept = 0

    def keep(x):
        nonlocal kept
        kept += x.numel() * x.element_size()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        for _ in range(2):
            loop.round()
    return loop, kept


@pytest.mark.parametrize("name", NAMES)
def test_the_same_to_the_bit_with_less_kept(name):
    (plain, kept), (again, kept_again) = played(name, False), played(name, True)
    assert all(torch.equal(value, again.state()[key]) for key, value in plain.state().items())
    assert kept_again < 0.8 * kept


def test_a_run_says_where_it_can_not(tmp_path):
    recipe = replace(RECIPES["dcgan"], images=64)
    with pytest.raises(UserError, match="dcgan's networks have no stages to recompute"):
        sparring.train(recipe, "digits", tmp_path / "run", recompute=True)
    assert not (tmp_path / "run").exists()
