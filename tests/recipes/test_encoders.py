"""Recipes with an encoder: what they refuse, what they resume, what a model of theirs can do."""

from dataclasses import asdict, replace

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file
from torch import nn

import sparring
from sparring.build.game import build_encoder, build_game, build_generator
from sparring.build.overrides import recipe_flags, with_flags
from sparring.errors import UserError
from sparring.models.model import Model, ModelSpec
from sparring.recipes import RECIPES, GameChoice, Network, Recipe, encoding
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

pytestmark = pytest.mark.usefixtures("quick_judge")

SHAPE = (1, 8, 8)


def small(name: str, **changes) -> Recipe:
    slim = {"generator.width": "4", "critic.width": "4", "encoder.width": "4"}
    return changed(with_flags(RECIPES[name], slim), **{"z": 5, "batch": 12} | changes)


def loop_of(recipe: Recipe) -> Loop:
    torch.manual_seed(0)
    return Loop(build_game(recipe, SHAPE), Pictures(SHAPE, n=36), loop_settings(recipe))


@pytest.fixture(scope="module", params=encoding())
def run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("encoders") / "run"
    return sparring.train(small(request.param), "digits", out, images=48, reports=1, threads=1)


def model(name: str = "bigan") -> Model:
    torch.manual_seed(0)
    recipe = small(name)
    return Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE), build_encoder(recipe, SHAPE))


@pytest.mark.parametrize("name", encoding())
@pytest.mark.parametrize(
    "changes", [{}, {"penalties": ("r1", "lipschitz"), "noise": 0.1}, {"objective": "least-squares"}]
)
def test_it_trains_and_resumes_to_the_bit(name, changes):
    recipe = small(name, **changes)
    if changes:
        recipe = replace(recipe, critic=replace(recipe.critic, numbers={**recipe.critic.numbers, "norm": "none"}))
    loop, parts = resumed_to_the_bit(lambda: loop_of(recipe))
    assert "E" in loop.game.players
    assert all(any(part.endswith(name) for part in parts) for name in ("generator", *recipe.penalties)), parts


@pytest.mark.parametrize("name", encoding())
def test_its_configuration_comes_back_from_json(name):
    adapter = TypeAdapter(Recipe)
    assert adapter.validate_json(adapter.dump_json(RECIPES[name])) == RECIPES[name]
    assert recipe_flags(RECIPES[name])["encoder.width"] == 32
    with pytest.raises(UserError, match=r"dcgan has no --encoder\.width"):
        with_flags(RECIPES["dcgan"], {"encoder.width": "3"})


def test_a_run_leaves_a_model_that_encodes(run, tmp_path):
    kept, live = sparring.load(run.folder, "last"), run.model
    x = torch.randint(256, (7, *SHAPE), dtype=torch.uint8)
    assert torch.equal(kept.encode(x), live.encode(x)) and torch.equal(kept.sample(3), live.sample(3))
    assert kept.encode(x).shape == (7, 5) and kept.encode(x).dtype == torch.float32
    again = kept.reconstruct(x)
    assert again.shape == x.shape and again.dtype == torch.uint8
    assert torch.equal(again, kept.decode([kept.encode(x)]))
    assert torch.equal(live.E.state_dict()["0.weight"], run.loop.ema.players["E"].state_dict()["0.weight"])


def test_a_model_without_an_encoder_is_kept_as_before(tmp_path):
    torch.manual_seed(0)
    plain = Model(ModelSpec(RECIPES["mlp-gan"], SHAPE), build_generator(RECIPES["mlp-gan"], SHAPE))
    plain.save(tmp_path)
    assert set(load_file(tmp_path / "last.safetensors")) == set(plain.G.state_dict())
    about = asdict(plain.spec)
    for added in ("encoder", "game"):
        about["recipe"].pop(added)
    (tmp_path / "model.json").write_text(TypeAdapter(dict).dump_json(about).decode())
    assert torch.equal(sparring.load(tmp_path).sample(3), plain.sample(3))


def test_a_model_encodes_any_number_alike():
    x = torch.randint(256, (501, *SHAPE), dtype=torch.uint8)
    torch.testing.assert_close(model().encode(x)[:3], model().encode(x[:3]))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda m: m.encode(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)), r"uint8 \(n, 1, 8, 8\), not uint8 \(2, 3"),
        (lambda m: m.reconstruct(torch.zeros(2, 1, 8, 8)), r"not float32 \(2, 1, 8, 8\)"),
        (lambda m: m.decode([torch.zeros(2, 4)]), r"decodes latents \(n, 5\), not \(2, 4\)"),
        (lambda m: Model(m.spec, m.G).encode(torch.zeros(1)), "has no encoder: train a recipe that has one"),
    ],
)  # fmt: skip
def test_what_a_model_can_not_encode_or_decode(call, why):
    with pytest.raises(UserError, match=why):
        call(model())


def test_a_file_whose_encoder_does_not_fit(tmp_path):
    model().save(tmp_path)
    weights = load_file(tmp_path / "last.safetensors")
    save_file({k: v for k, v in weights.items() if k != "E/0.weight"}, tmp_path / "last.safetensors")
    with pytest.raises(UserError, match=r"does not fit model\.json"):
        sparring.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("bigan", {"conditioning": "projection"}, "plays ali, which has no conditioning: leave conditioning out"),
        ("ali", {"pack": 2}, "has no pack"),
        ("vae-gan", {"unroll": 3}, "has no unroll"),
        ("ali", {"methods": ("rotation",)}, "the method 'rotation' goes with gan, not with ali"),
        ("vae-gan", {"methods": ("cycle",)}, "goes with ali, not with vae-gan"),
        ("dcgan", {"methods": ("cycle",)}, "goes with ali, not with gan"),
        ("bigan", {"penalties": ("dragan",)}, "dragan is not defined on the pairs of ali"),
        ("ali", {"encoder": Network("dcgan-encoder", {"moments": 3})}, "moments of dcgan-encoder is 3: use 1"),
        ("bigan", {"encoder": None}, "has an encoder: name one"),
        ("bigan", {"game": GameChoice("alli")}, r"no game 'alli' \(did you mean 'ali'\?\)"),
        ("bigan", {"objective": "hingee"}, "no objective 'hingee'"),
    ],
)
def test_what_it_refuses(name, changes, why):
    with pytest.raises(UserError, match=why):
        build_game(changed(RECIPES[name], **changes), SHAPE, classes=3)


@pytest.mark.parametrize("changes", [{"methods": ("lecam", "cycle")}, {"objective": "hinge", "top_k": 0.5}])
def test_what_goes_with_pairs(changes):
    loop = loop_of(small("ali", **changes))
    assert all(torch.isfinite(part).all() for part in loop.round().values())


class Telling(nn.Sequential):
    def __init__(self, numbers: int, inputs: int = 64):
        super().__init__(nn.Flatten(), nn.Linear(inputs, numbers))


def test_own_encoders(tmp_path):
    own = {"networks": {"E": Telling(10)}, "images": 24, "reports": 1, "threads": 1}
    run = sparring.train(small("vae-gan"), "digits", tmp_path / "run", **own)
    x = torch.zeros(2, *SHAPE, dtype=torch.uint8)
    with pytest.raises(UserError, match="Telling is not the library's"):
        sparring.load(tmp_path / "run")
    assert torch.equal(
        sparring.load(tmp_path / "run", "last", networks={"E": Telling(10)}).encode(x), run.model.encode(x)
    )


@pytest.mark.parametrize(
    ("name", "networks", "why"),
    [
        ("dcgan", {"E": Telling(5)}, "no player 'E' in dcgan: its players are G, D"),
        ("ali", {"C": Telling(5)}, "no player 'C' in ali: its players are G, D, E"),
        ("bigan", {"E": Telling(7)}, r"E returns \(n, 7\), but ali needs \(n, 5\) or \(n, 10\)"),
        ("vae-gan", {"E": Telling(5)}, r"E returns \(n, 5\), but vae-gan needs \(n, 10\)"),
        ("bigan", {"E": Telling(5, 63)}, r"E does not take examples \(n, 1, 8, 8\)"),
        ("bigan", {"D": Telling(1)}, r"D does not take \(n, 1, 8, 8\) as ali shows them"),
        ("bigan", {"G": Telling(1, 5)}, r"G makes \(1,\), but the data is \(1, 8, 8\)"),
        ("vae-gan", {"D": Telling(1)}, "the critic has no output 'features'"),
    ],
)
def test_own_networks_that_do_not_fit(name, networks, why, tmp_path):
    recipe = small(name) if RECIPES[name].encoder else RECIPES[name]
    with pytest.raises(UserError, match=why):
        sparring.train(recipe, "digits", tmp_path / "run", images=24, networks=networks)
    assert not (tmp_path / "run").exists()
