"""Every example ends with the parameters of the library's own game, from the same seed."""

import runpy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparring.build.game import build_game
from sparring.data import Options
from sparring.data.image.pixels import to_unit
from sparring.games.gan import GAN
from sparring.losses.objectives import relativistic, wasserstein
from sparring.losses.penalties import lipschitz, r1, r2
from sparring.modalities.load import load_dataset
from sparring.networks.layers.dropout import Dropout
from sparring.priors import normal
from sparring.recipes import RECIPES
from sparring.rng import WEIGHTS, derived_seed
from sparring.training.loop.loop import Loop
from sparring.training.loop.optim import Adam
from sparring.training.loop.settings import Settings, loop_settings

EXAMPLES = Path(__file__).parent.parent / "examples"
ROUNDS = 4


class Source:
    def __init__(self, x: Tensor):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], None


def from_recipe(name):
    def new(example, shape):
        recipe = RECIPES[name].with_horizon(ROUNDS * RECIPES[name].batch)
        return build_game(recipe, shape), loop_settings(recipe, seed=3)

    return new


def wgan_gp(example, shape):
    G, D = example["generator"](shape), example["critic"](shape)
    game = GAN(G, D, wasserstein, [lipschitz], latents={"z": normal(64)}, critic_steps=5)
    adam = Adam(1e-4, 0.0, 0.9)
    return game, Settings(seed=3, optimisers={"G": adam, "D": adam}, weights={"lipschitz": 10.0})


def rpgan(example, shape):
    G, D = example["generator"](shape), example["critic"](shape)
    adam = Adam(2e-4, 0.0, 0.99)
    game = GAN(G, D, relativistic, [r1, r2], latents={"z": normal(64)}, resample_each_turn=True)
    return game, Settings(seed=3, optimisers={"G": adam, "D": adam})


CASES = {
    "mlp_gan": (from_recipe("mlp-gan"), None),
    "dcgan": (from_recipe("dcgan"), (16, 16)),
    "wgan_gp": (wgan_gp, None),
    "rpgan_r1_r2": (rpgan, None),
}


@pytest.fixture
def in_float64():
    """So that rounding does not blur the comparison."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", CASES)
def test_an_example_ends_where_the_library_does(name, in_float64, monkeypatch):
    monkeypatch.setattr(Dropout, "forward", nn.Dropout.forward)  # which draws what the example draws
    new, size = CASES[name]
    data = to_unit(load_dataset("digits", Options(size=size)).train.values).double()
    example = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    players: tuple[nn.Module, nn.Module] = example["train"](data, ROUNDS, seed=3)
    torch.manual_seed(derived_seed(3, WEIGHTS))
    game, settings = new(example, tuple(data.shape[1:]))
    start = [p.clone() for p in game.parameters()]
    loop = Loop(game, Source(data), settings)
    for _ in range(ROUNDS):
        loop.round()
    theirs = [p for player in players for p in player.parameters()]
    ours = [p for player in ("G", "D") for p in game.players[player].parameters()]
    assert any(not torch.equal(a, b) for a, b in zip(start, ours, strict=True))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) < 120
