"""`spar apply`: what it reads, the forms it writes, what it refuses."""

import json

import numpy as np
import pytest
import torch
from commands import refused, spar
from PIL import Image

from sparring.apply.inputs import read_inputs
from sparring.build.game import build_encoder, build_generator
from sparring.build.overrides import with_flags
from sparring.modalities.load import load_dataset
from sparring.models.model import Model, ModelSpec
from sparring.recipes import RECIPES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, as a run leaves it."""
    torch.manual_seed(0)
    recipe = with_flags(RECIPES["bigan"], {"generator.width": "4", "encoder.width": "4", "z": "5"})
    shape = (1, 8, 8)
    path = tmp_path_factory.mktemp("run") / "model"
    Model(ModelSpec(recipe, shape), build_generator(recipe, shape), build_encoder(recipe, shape)).save(path)
    return path


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        Image.effect_noise((20, 12), 60 + i).convert("RGB").save(tmp_path / "pictures" / f"{i}.png")
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "pictures"


def test_the_test_part_of_a_named_set(folder, tmp_path, capsys):
    capsys.readouterr()
    assert spar("apply", folder, "digits", "--n", 7, "--out", tmp_path / "a.npz", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    arrays, test = np.load(tmp_path / "a.npz"), load_dataset("digits").test.values
    assert np.array_equal(arrays["originals"], test[:7].permute(0, 2, 3, 1).numpy())
    wrong = (arrays["originals"].astype(float) - arrays["reconstructions"]) / 255
    assert told["error"] == pytest.approx((wrong**2).mean()) and told["images"] == 7 and told["available"] == len(test)


def test_originals_stand_above_their_reconstructions(folder, tmp_path):
    assert spar("apply", folder, "digits", "--n", 7, "--out", tmp_path / "a.npz") == 0
    assert spar("apply", folder, "digits", "--n", 7, "--out", tmp_path / "a.png") == 0
    sheet, arrays = np.asarray(Image.open(tmp_path / "a.png")), np.load(tmp_path / "a.npz")
    cell, scale, columns = 34, 4, 4

    def shown(row, column):
        top, left = row * cell + 2, column * cell + 2
        return sheet[top : top + 32 : scale, left : left + 32 : scale]

    for i in range(7):
        row, column = 2 * (i // columns), i % columns
        assert np.array_equal(shown(row, column), arrays["originals"][i, :, :, 0])
        assert np.array_equal(shown(row + 1, column), arrays["reconstructions"][i, :, :, 0])
    assert (shown(3, 3) == 255).all()


def test_a_folder_of_pictures_of_another_size(folder, pictures, tmp_path, capsys):
    assert spar("apply", folder, pictures, "--out", tmp_path / "new") == 0
    assert "broken.png" in capsys.readouterr().err
    found = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in found] == ["000000.png", "000001.png", "000002.png"]
    assert Image.open(found[0]).size == (8, 8) and Image.open(found[0]).mode == "L"


def test_a_single_picture_is_read_like_one_of_a_folder(pictures):
    for channels in (1, 3, 4):
        shape = (channels, 8, 8)
        alone, all_of_them = (read_inputs(str(path), shape).examples.values for path in (pictures / "1.png", pictures))
        assert alone.shape == (1, *shape) and torch.equal(alone[0], all_of_them[1])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["{model}", "digits", "--out", "{new}.bmp"], "can't write reconstructions as '.bmp'"),
        (["{model}", "digits", "--out", "{there}"], "exists already"),
        (["{model}", "digits", "--out", "{new}/a.png"], "there is no folder"),
        (["{model}", "digits", "--n", "0", "--out", "{new}.png"], "n is 0: it must be 1 or more"),
        (["{model}", "digitz", "--out", "{new}.png"], "did you mean 'digits'"),
        (["{model}", "ring", "--out", "{new}.png"], "ring is of points"),
        (["{model}", "{there}/broken.png", "--out", "{new}.png"], "has no usable images: broken.png: not a"),
        (["{there}", "digits", "--out", "{new}.png"], "no model at"),
        (["{plain}", "digits", "--out", "{new}.png"], "mlp-gan has no encoder: train a recipe that has one (ali"),
    ],
)
def test_what_is_refused(folder, pictures, tmp_path, capsys, words, why):
    recipe = RECIPES["mlp-gan"]
    Model(ModelSpec(recipe, (1, 8, 8)), build_generator(recipe, (1, 8, 8))).save(tmp_path / "plain")
    places = {"model": folder, "new": tmp_path / "new", "there": pictures, "plain": tmp_path / "plain"}
    assert why in refused(capsys, "apply", *[word.format(**places) for word in words])
    assert not list(tmp_path.glob("new*"))
