"""Bring your own: networks, arrays, scores and watchers handed over from Python."""

import json

import numpy as np
import pytest
import torch
from commands import final, same, spar
from PIL import Image
from torch import nn

import sparring
from sparring.data.dataset import Dataset, Split, split
from sparring.errors import UserError
from sparring.training.run.loggers import WandB, flat_metrics

pytestmark = pytest.mark.usefixtures("quick_judge")


class Maker(nn.Sequential):
    def __init__(self, size: int = 8):
        super().__init__(nn.Linear(16, size * size), nn.Tanh(), nn.Unflatten(1, (1, size, size)))


def networks(size: int = 8) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"G": Maker(size), "D": nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))}


@pytest.fixture
def recipe():
    from dataclasses import replace

    return replace(sparring.get_recipe("mlp-gan"), z=16, batch=32)


@pytest.fixture
def squares() -> Dataset:
    g = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (120, 1, 8, 8), generator=g, dtype=torch.uint8)
    return Dataset.of("squares", *split(Split(pixels, torch.arange(120) % 3)), ("a", "b", "c"))


class Told:
    def __init__(self):
        self.entries, self.closed = [], 0

    def report(self, entry, grid):
        assert isinstance(grid, Image.Image)
        self.entries.append(entry)

    def close(self):
        self.closed += 1


def test_own_networks_data_scores_and_watchers(recipe, squares, tmp_path):
    watcher, out = Told(), tmp_path / "run"
    run = sparring.train(
        recipe, squares, out, images=320, reports=2, networks=networks(), watchers=[watcher],
        scores={"brightness": lambda x: float(x.float().mean())}, threads=1,
    )  # fmt: skip
    assert [entry["examples"] for entry in watcher.entries] == [160, 320] and watcher.closed == 1
    assert 0 < watcher.entries[0]["scores"]["brightness"] < 255
    assert "scores/brightness" in flat_metrics(watcher.entries[0])
    assert json.loads((out / "run.json").read_text())["config"]["recipe"]["generator"]["name"] == "yours: Maker"
    model = sparring.load(out, networks={"G": Maker()})
    assert torch.equal(model.sample(5), sparring.load(out, networks={"G": run.model.G}).sample(5))
    with pytest.raises(UserError, match="Maker is not the library's: hand it over"):
        sparring.load(out)


def test_the_same_networks_are_trained_twice(recipe, squares, tmp_path):
    nets = networks()
    for name in ("a", "b"):
        sparring.train(recipe, squares, tmp_path / name, images=64, reports=1, networks=nets, threads=1)
    assert all(p.requires_grad for net in nets.values() for p in net.parameters())


def test_it_stops_at_a_score_of_the_users_own(recipe, squares, tmp_path):
    options = {"images": 3200, "networks": networks(), "scores": {"mine": lambda x: 3.0}}
    assert sparring.train(recipe, squares, tmp_path / "a", until="mine >= 3", **options).outcome == "reached"
    with pytest.raises(UserError, match="no such score here, only frechet, mine"):
        sparring.train(recipe, squares, tmp_path / "b", until="fid<3", **options)
    assert not (tmp_path / "b").exists()


def test_a_run_towards_a_score_of_the_users_own_goes_on_once_it_is_handed_over(recipe, squares, tmp_path):
    options = {"images": 96, "networks": networks(), "scores": {"mine": lambda x: 3.0}, "reports": 3}
    sparring.train(recipe, squares, tmp_path / "run", until="mine<3", minutes=1e-9, **options)
    with pytest.raises(UserError, match="no such score here, only frechet; one of your own is handed over from Python"):
        sparring.resume(tmp_path / "run", data=squares, networks=networks())
    about = tmp_path / "run" / "journal.jsonl"
    entry = json.loads(about.read_text())
    del entry["scores"]["mine"]  # as a session without it left it
    about.write_text(json.dumps(entry) + "\n")
    handed = {"data": squares, "networks": networks(), "scores": {"mine": lambda x: 2.0}}
    assert sparring.resume(tmp_path / "run", **handed).outcome == "reached"


def test_own_networks_resume_to_the_bit(recipe, squares, tmp_path):
    options = {"images": 640, "reports": 4, "threads": 1}
    sparring.train(recipe, squares, tmp_path / "whole", networks=networks(), **options)
    sparring.train(recipe, squares, tmp_path / "parts", networks=networks(), minutes=1e-9, **options)
    run = sparring.resume(tmp_path / "parts", data=squares, networks=networks())
    while run.loop.rounds < 20:
        run = sparring.resume(tmp_path / "parts", data=squares, networks=networks())
    assert same(final(tmp_path / "whole"), final(tmp_path / "parts"))
    with pytest.raises(UserError, match="say where it is, with --data PATH"):
        sparring.resume(tmp_path / "parts", networks=networks())


def test_networks_that_do_not_fit_are_refused(recipe, squares, tmp_path):
    for wrong, why in (
        ({"G": Maker(6)}, r"G makes \(1, 6, 6\), but the data is \(1, 8, 8\)"),
        ({"D": nn.Linear(3, 1)}, "D does not take"),
        ({"E": Maker()}, "no player 'E'"),
    ):
        with pytest.raises(UserError, match=why):
            sparring.train(recipe, squares, tmp_path / "run", images=64, networks=wrong)
    assert not (tmp_path / "run").exists()


def test_arrays_become_data():
    images = np.zeros((30, 8, 8, 3), np.uint8)
    data = sparring.of_arrays(images, np.arange(30) % 2)
    assert data.shape == (3, 8, 8) and data.classes == 2 and len(data.train) == 25


def test_tensorboard_events_are_written(recipe, squares, tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    given = ("--images", 320, "--reports", 2, "--batch", 32, "--out", tmp_path / "run", "--tensorboard")
    assert spar("train", "dense", "--data", "digits", *given) == 0
    events = event_accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("scores/frechet")] == [160, 320]
    assert len(events.Images("samples")) == 2


def test_an_adapter_says_what_it_needs(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match="pip install wandb"):
        WandB()
