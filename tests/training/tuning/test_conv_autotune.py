"""Layers chosen by measurement: a run with products is the run without, up to rounding, and resumes to the bit."""

import json

import numpy as np
import pytest
import torch
from commands import final, same

import sparring
from sparring.build.game import build_game, build_generator
from sparring.errors import UserError
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.networks.layers.conv_gemm import LoweredConv2d, LoweredConvTranspose2d
from sparring.recipes import get_recipe
from sparring.sampling.samples import Samples, write_samples
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings
from sparring.training.profile.forecast import RandomImages
from sparring.training.run import machine_settings
from sparring.training.tuning import machine, timing_cache
from sparring.training.tuning.machine import MachineChoices, measure_choices
from sparring.training.tuning.timing_cache import is_faster

pytestmark = pytest.mark.usefixtures("quick_judge")
SHAPE = (1, 16, 16)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(timing_cache, "cache_folder", lambda: tmp_path / "cache")


def loop(lowered=()):
    torch.manual_seed(0)
    game = build_game(get_recipe("dcgan"), SHAPE)
    MachineChoices(tuple(lowered)).apply(dict(game.players.items()))
    return Loop(game, RandomImages(64, SHAPE, 0, torch.device("cpu")), loop_settings(get_recipe("dcgan")))


def twins(loop) -> list[str]:
    """Layers computed as products."""
    layers = loop.game.players.named_modules()
    return [name for name, layer in layers if isinstance(layer, LoweredConv2d | LoweredConvTranspose2d)]


def test_what_is_measured_once_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: True)
    chosen = measure_choices(loop()).lowered_convs
    assert "D.0.scatter" in chosen and "G.7.weight" in chosen and not any(name.startswith("D.1.") for name in chosen)
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: False)
    assert measure_choices(loop()).lowered_convs == chosen
    for path in (tmp_path / "cache" / "layers").iterdir():
        path.write_text("no JSON")
    assert measure_choices(loop()).lowered_convs == ()


def test_the_quicker_one_wins():
    def slow():
        return torch.stack([torch.randn(200, 200) @ torch.randn(200, 200) for _ in range(20)])

    assert is_faster(lambda: torch.ones(1), slow) and not is_faster(slow, lambda: torch.ones(1))


def test_products_are_the_same_game():
    plain = loop()
    fast = loop(("G.1.weight", "G.4.gather", "G.7.scatter", "D.0.scatter", "D.2.weight", "D.2.gather"))
    assert twins(plain) == [] and twins(fast) == ["G.1", "G.4", "G.7", "D.0", "D.2"]
    for _ in range(3):
        a, b = plain.round(), fast.round()
        assert all(torch.allclose(a[name], b[name], rtol=1e-3) for name in a)
    assert plain.state().keys() == fast.state().keys()


def test_a_run_records_its_products_and_resumes_with_them(monkeypatch, tmp_path):
    monkeypatch.setattr(machine_settings, "MIN_ROUNDS", 1)
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: True)
    options = {"images": 192, "reports": 3, "threads": 1, "device": "cpu", "precision": "fp32"}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    sparring.train("dcgan", "digits", whole, **options)
    sparring.train("dcgan", "digits", parts, minutes=1e-9, **options)
    chosen = json.loads((parts / "run.json").read_text())["config"]["machine"]["lowered_convs"]
    assert "D.0.scatter" in chosen
    monkeypatch.setattr(machine_settings, "measure_choices", lambda loop: pytest.fail("measured again"))
    while (run := sparring.resume(parts)).outcome != "finished":
        assert "D.0" in twins(run.loop)
    assert same(final(whole), final(parts))


def test_many_samples_are_drawn_by_products(monkeypatch, tmp_path):
    """The same up to rounding; few samples are not worth the measuring."""
    torch.manual_seed(0)
    recipe = get_recipe("dcgan")
    model = Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE))
    model.save(tmp_path / "model", "best")
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: True)
    monkeypatch.setattr(machine, "MIN_SAMPLES", 600)
    images = {}
    for n in (599, 601):
        model = load_model(tmp_path / "model")
        write_samples(Samples(model, n), tmp_path / f"{n}.npz")
        images[n] = np.load(tmp_path / f"{n}.npz")["images"].astype(int)
        made = [name for name, layer in model.G.named_modules() if isinstance(layer, LoweredConvTranspose2d)]
        assert made == ([] if n == 599 else ["1", "4", "7"])
        assert all(layer.operations.lowered == {"scatter"} for layer in model.G if hasattr(layer, "operations"))
    assert np.abs(images[599] - images[601][:599]).max() <= 1


def test_samples_in_bf16_are_nearly_the_same(monkeypatch, tmp_path):
    torch.manual_seed(0)
    recipe = get_recipe("dcgan")
    model = Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE))
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: True)
    monkeypatch.setattr(machine, "MIN_SAMPLES", 600)
    monkeypatch.setattr(machine.formats, "precision", lambda name, device, medium: name)
    images = {}
    for precision, n in (("fp32", 601), ("bf16", 601), ("auto", 601), ("auto", 599)):
        write_samples(Samples(model, n), tmp_path / f"{precision}-{n}.npz", precision)
        images[precision, n] = np.load(tmp_path / f"{precision}-{n}.npz")["images"].astype(int)
    fp32, bf16 = images["fp32", 601], images["bf16", 601]
    assert 1 <= np.abs(fp32 - bf16).max() <= 4
    assert (images["auto", 601] == bf16).all() and np.abs(images["auto", 599] - fp32[:599]).max() <= 1
    monkeypatch.setattr(timing_cache, "is_faster", lambda a, b: pytest.fail("measured again"))
    write_samples(Samples(model, 601), tmp_path / "known.npz", "auto")
    assert (np.load(tmp_path / "known.npz")["images"] == bf16).all()


def test_samples_in_an_unknown_precision_are_refused(tmp_path):
    recipe = get_recipe("dcgan")
    model = Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE))
    with pytest.raises(UserError, match="no precision 'fp8'"):
        write_samples(Samples(model, 5), tmp_path / "none.npz", "fp8")
    assert not (tmp_path / "none.npz").exists()


def test_products_of_another_network_are_refused():
    with pytest.raises(UserError, match=r"no layer D.99 to compute as a product"):
        loop(("D.99.weight",))
