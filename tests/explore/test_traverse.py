"""Categories and codes: drawn, kept from truncation, swept."""

from dataclasses import replace

import pytest
import torch
from commands import refused, spar
from PIL import Image

import sparring
from sparring.build.game import build_generator
from sparring.explore.traverse import STEPS, sweep
from sparring.models.model import Model, ModelSpec
from sparring.recipes import RECIPES

RECIPE = replace(RECIPES["infogan"], z=6, categories=3, codes=2)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model(ModelSpec(RECIPE, (1, 8, 8)), build_generator(RECIPE, (1, 8, 8)))


def test_a_sweep_moves_one_code_and_nothing_else(model, monkeypatch):
    asked = []
    monkeypatch.setattr(model, "decode", lambda inputs: asked.append(inputs[0]) or torch.zeros(1))
    sweep(model, 1)
    z = asked[0].view(3, STEPS, 11)
    assert torch.equal(z[..., :6], z[:1, :1, :6].expand(3, STEPS, 6)) and z[..., :6].std() > 0
    assert torch.equal(z[..., 6:9], torch.eye(3)[:, None].expand(3, STEPS, 3))
    assert (z[..., 9] == 0).all() and z[0, :, 10].tolist() == pytest.approx(torch.linspace(-2, 2, STEPS).tolist())


def test_truncation_leaves_categories_and_codes(model, monkeypatch):
    made, space = [], model.spaces["z"]
    monkeypatch.setattr(space, "make", lambda z: made.append(z) or torch.zeros(1, 1, 8, 8))
    z = model.draw_inputs(0)[0]
    model.decode([z], truncation=0.1)
    assert made[0][:, :6].abs().max() <= 0.1 and torch.equal(made[0][:, 6:], z[:, 6:])


def test_the_command(tmp_path, capsys):
    model = sparring.train(replace(RECIPE, batch=32), "digits", tmp_path / "run", images=64, reports=1).model
    assert model.sample(2).shape == (2, 1, 8, 8)
    assert spar("explore", tmp_path / "run", "codes", "--out", tmp_path / "codes.png") == 0
    wide, high = Image.open(tmp_path / "codes.png").size
    assert wide / (2 * STEPS) == pytest.approx(high / 3, rel=0.1)
    assert "exists already" in refused(capsys, "explore", tmp_path / "run", "codes", "--out", tmp_path / "codes.png")
    assert "with one of .png" in refused(capsys, "explore", tmp_path / "run", "codes", "--out", tmp_path / "a.npz")
    sparring.train("mlp-gan", "digits", tmp_path / "plain", images=100, reports=1)
    line = refused(capsys, "explore", tmp_path / "plain", "codes", "--out", tmp_path / "b.png")
    assert "no codes in its latent: train a recipe that has some (infogan)" in line
