"""`sparring.load_game`: every player of a run, the critic too, and a verdict on a batch."""

from pathlib import Path

import pytest
import tiny_runs
import torch
from torch import Tensor

import sparring
from sparring.errors import UserError
from sparring.game import Game, Round, Verdict
from sparring.storage.tensors import read_tensors

V1 = Path(__file__).parents[2] / "fixtures" / "v1"


BATCH = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tiny_runs.write_data(folder)
    return folder


def batch(recipe: str) -> tuple[Tensor, Tensor | None]:
    """Examples and what comes with them: the classes, or images of the other domain."""
    g = torch.Generator().manual_seed(0)
    channels = 3 if recipe == "cyclegan" else 1
    real, other = 2 * torch.rand(2, BATCH, channels, tiny_runs.SIDE, tiny_runs.SIDE, generator=g) - 1
    return real, {"cgan": torch.arange(BATCH) % 3, "cyclegan": other}.get(recipe)


def played(game: Game, real: Tensor, condition: Tensor | None) -> Round:
    """A round of the game, with its fake."""
    g = torch.Generator().manual_seed(0)
    draws = dict(game.latents) | {name: draw for turn in game.turns(0) for name, draw in turn.draws.items()}
    latent = {name: draw(BATCH, tuple(real.shape[1:]), g) for name, draw in draws.items()}
    round = game.preprocess_round(Round(real, condition, latent))
    with torch.no_grad():
        return Round(round.real, round.condition, latent, game.generate(round))


@pytest.mark.usefixtures("quick_judge")
@pytest.mark.parametrize("recipe", ["stylegan2", "cgan", "ali", "cyclegan"])
def test_all_players_have_the_weights_of_the_run(recipe, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    tiny_runs.train(recipe, tiny_runs.recipes()[recipe], tmp_path / "run", 2, tiny_runs.spar("train", "--help")[1])
    game = sparring.load_game(tmp_path / "run")
    state = read_tensors(tiny_runs.checkpoints(tmp_path / "run")[-1])
    stored = {name.removeprefix("game."): value for name, value in state.items() if name.startswith("game.")}
    assert not game.training and set(game.players) == {name.split(".")[1] for name in stored if "players." in name}
    assert set(game.state_dict()) == set(stored)
    assert all(torch.equal(value, stored[name]) for name, value in game.state_dict().items())
    round = played(game, *batch(recipe))
    verdict = game.verdict(round)
    if verdict is None:  # CycleGAN has a critic for each domain
        verdict = Verdict(game.players["D"], round.real, round.fake[0])
    assert len(verdict.on_real) == len(verdict.on_fake) == BATCH
    assert verdict.on_real.isfinite().all() and verdict.on_fake.isfinite().all()


@pytest.mark.parametrize("recipe", sorted(path.name for path in V1.iterdir() if path.is_dir()))
def test_runs_of_version_1(recipe):
    game = sparring.load_game(V1 / recipe)
    stored = read_tensors(tiny_runs.checkpoints(V1 / recipe)[-1])
    for name, value in game.players.state_dict().items():
        assert torch.equal(value, stored[f"game.players.{name}"])


def test_a_checkpoint_by_its_number(tmp_path):
    with pytest.raises(UserError, match=r"no readable checkpoint after 23 examples: choose one of 24"):
        sparring.load_game(V1 / "dcgan", 23)
    assert isinstance(sparring.load_game(V1 / "dcgan", 24), Game)
    with pytest.raises(UserError, match="no model at"):
        sparring.load_game(tmp_path)
