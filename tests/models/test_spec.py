"""What `model.json` and `run.json` may ask for: bounded numbers that fit together, in a format that is known."""

import json
import pickle
import struct
from pathlib import Path

import pytest
import torch

from sparring.build.game import build_generator
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.recipes import RECIPES
from sparring.training.config.config import Config

SHAPE, CLASSED = (1, 8, 8), with_flags(RECIPES["cgan"], {"generator.width": "8", "critic.width": "8"})


def changed(path: Path, **parts) -> None:
    """Parts of the file, or of the recipe in it."""
    about = json.loads(path.read_text())
    recipe = (about.get("config") or about)["recipe"]
    for name, value in parts.items():
        (recipe if name in recipe else about).update({name: value})
    path.write_text(json.dumps(about))


@pytest.fixture
def model(tmp_path) -> Path:
    description = ModelSpec(CLASSED, SHAPE, ("a", "b"), (0.5, 0.5))
    Model(description, build_generator(CLASSED, SHAPE, 2)).save(tmp_path / "model")
    assert load_model(tmp_path / "model").sample(2).shape == (2, *SHAPE)
    return tmp_path / "model" / "model.json"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"z": 10_000_000, "codes": -9_999_900}, "z 10,000,000, which is not between 0 and 1,048,576"),
        ({"categories": -1}, "categories -1"),
        ({"shares": [1.0]}, "2 classes with shares that are not theirs"),
        ({"shares": [0.0, 0.0]}, "2 classes with shares"),
        ({"shares": [1.5, -0.5]}, "2 classes with shares"),
        ({"scales": [[0, 1]]}, "2 attributes with 1 scales"),
        ({"modality": "i"}, "samples of modality 'i', which does not exist"),
        ({"modality": "table"}, "is no model description"),
        ({"format": 3}, "is of format 3, and this version reads 2"),
    ],
)
def test_a_model_file_is_held_to_its_bounds(model, parts, told):
    changed(model, **parts)
    with pytest.raises(UserError, match=told):
        load_model(model.parent)


def header(**tensors) -> bytes:
    held = json.dumps(tensors).encode()
    return struct.pack("<Q", len(held)) + held


@pytest.mark.parametrize(
    "content",
    {
        "empty": b"",
        "a pickle": pickle.dumps({"layers.0.weight": [0.0]}),
        "a header of a terabyte": struct.pack("<Q", 2**40) + b"{}",
        "a tensor of a terabyte": header(x={"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}),
        "a name that climbs": header(**{"../../x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        "nested too deeply": struct.pack("<Q", 10**5) + b"[" * 10**5,
    }.values(),
)
def test_weights_from_strangers_are_refused_in_a_line(model, content):
    for path in model.parent.glob("*.safetensors"):
        path.write_bytes(content)
    with pytest.raises(UserError) as told:
        load_model(model.parent)
    assert "\n" not in str(told.value) and "safetensors" in str(told.value)


def test_attributes_are_of_one_example_at_least(tmp_path):
    description = ModelSpec(CLASSED, SHAPE, ("tone", "luck"), scales=((0.0, 1.0), (0.0, 1.0)))
    Model(description, build_generator(CLASSED, SHAPE, 2), rows=torch.zeros(0, 2)).save(tmp_path)
    with pytest.raises(UserError, match="which has 2 attributes"):
        load_model(tmp_path)


def test_a_run_file_is_held_to_the_same(tmp_path):
    Config(CLASSED, "digits", examples=64).save(tmp_path, "")
    assert Config.load(tmp_path)[0].recipe == CLASSED
    for parts, told in (
        ({"z": 10_000_000}, "z 10,000,000, which is not between"),
        ({"critic": {"name": "mlp-critic", "numbers": {"widths": [10**9]}}}, "a network with a number above"),
    ):
        changed(tmp_path / "run.json", **parts)
        with pytest.raises(UserError, match=told):
            Config.load(tmp_path)
        Config(CLASSED, "digits", examples=64).save(tmp_path, "")


@pytest.mark.parametrize("content", ["", "[1, 2", "7", "[" * 100_000, '{"config": {"recipe": []}}'])
def test_a_damaged_run_file_is_told_in_a_line(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        Config.load(tmp_path)
