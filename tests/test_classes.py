"""Conditional runs: the class goes in, and can be asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import refused, spar
from PIL import Image
from torch import nn

import sparring
from sparring.build.game import build_generator
from sparring.data.dataset import Dataset, Split, split
from sparring.errors import UserError
from sparring.game import CriticOutput
from sparring.models.model import Model, ModelSpec
from sparring.recipes import RECIPES
from sparring.recipes.recipe import Network

pytestmark = pytest.mark.usefixtures("quick_judge")

SHADES = torch.tensor([30, 120, 220])
SMALL = replace(
    RECIPES["mlp-gan"],
    game=RECIPES["mlp-gan"].game.with_options(conditioning="input"),
    generator=Network("mlp-generator", {"widths": [64, 64]}),
    critic=Network("mlp-critic", {"widths": [64, 64], "dropout": 0.0}),
    z=8, lr=1e-3,
)  # fmt: skip


@pytest.fixture(scope="module")
def shades() -> Dataset:
    """8×8 pictures of one grey a class, a little noisy; the first class is twice as frequent."""
    g = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 1, 2] * 150)
    noise = torch.randint(-8, 9, (600, 1, 8, 8), generator=g)
    pixels = (SHADES[labels].view(-1, 1, 1, 1) + noise).to(torch.uint8)
    return Dataset.of("shades", *split(Split(pixels, labels)), ("dark", "grey", "light"))


@pytest.fixture(scope="module")
def learnt(shades, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "shades"
    sparring.train(SMALL, shades, out, images=40_000, reports=1, threads=1)
    return out


def test_the_class_asked_for_is_the_class_drawn(learnt):
    """The classes are three shades of grey: the nearest shade says which one a sample is."""
    model = sparring.load(learnt)
    assert model.classes == ("dark", "grey", "light")
    for i, name in enumerate(model.classes):
        means = model.sample(50, label=name).float().mean((1, 2, 3))
        assert ((means[:, None] - SHADES).abs().argmin(1) == i).float().mean() > 0.9, name


def test_unasked_classes_come_as_often_as_in_training(learnt):
    model = sparring.load(learnt)
    assert model.spec.shares == pytest.approx((0.5, 0.25, 0.25), abs=0.03)
    drawn = torch.cat([model.draw_inputs(seed)[1] for seed in range(8)])
    assert (drawn.bincount() / len(drawn)).tolist() == pytest.approx(model.spec.shares, abs=0.03)
    assert torch.equal(model.sample(600)[:7], model.sample(7))


def test_classes_of_the_same_latents_side_by_side(learnt, tmp_path):
    assert spar("sample", learnt, "--n", 4, "--label", "all", "--out", tmp_path / "a.npz") == 0
    images = np.load(tmp_path / "a.npz")["images"]
    one = sparring.load(learnt).sample(4, label="grey")
    assert images.shape == (12, 8, 8, 1) and np.array_equal(images[4:8, ..., 0], one[:, 0].numpy())
    assert spar("sample", learnt, "--n", 4, "--label", "dark", "light", "--out", tmp_path / "a.png") == 0
    wide, high = Image.open(tmp_path / "a.png").size
    assert wide / 4 == pytest.approx(high / 2, rel=0.05)
    assert spar("sample", learnt, "--seeds", "3-5", "--label", "all", "--out", tmp_path / "folder") == 0
    assert sorted(path.name for path in (tmp_path / "folder" / "light").iterdir()) == [
        f"{i:06d}.png" for i in (3, 4, 5)
    ]


def test_a_class_that_is_not_there(learnt, tmp_path, capsys):
    line = refused(capsys, "sample", learnt, "--label", "lihgt", "--out", tmp_path / "a.png")
    assert "no class 'lihgt' (did you mean 'light'?); there are: dark, grey, light" in line
    plain = Model(ModelSpec(RECIPES["mlp-gan"], (1, 8, 8)), build_generator(RECIPES["mlp-gan"], (1, 8, 8)))
    with pytest.raises(UserError, match="has no classes"):
        plain.sample(1, label="a")


def test_a_conditional_recipe_wants_classes(tmp_path):
    data = sparring.of_arrays(np.zeros((30, 8, 8, 1), np.uint8))
    with pytest.raises(UserError, match="cgan learns by class, but the data has no classes"):
        sparring.train("cgan", data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_networks_of_the_users_own_take_the_class_too(shades, tmp_path):
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.of = nn.Linear(8, 64), nn.Embedding(3, 64)

        def forward(self, z, y):
            return (self.body(z) + self.of(y)).tanh().view(-1, 1, 8, 8)

    recipe = replace(RECIPES["mlp-gan"], z=8).with_options(conditioning="input")
    run = sparring.train(recipe, shades, tmp_path / "run", images=200, reports=1, networks={"G": G()})
    assert sparring.load(tmp_path / "run", networks={"G": run.model.G}).sample(2, label="grey").shape == (
        2,
        1,
        8,
        8,
    )
    with pytest.raises(UserError, match="G does not take"):
        wrong = nn.Sequential(nn.Linear(8, 64), nn.Unflatten(1, (1, 8, 8)))
        sparring.train(recipe, shades, tmp_path / "b", images=200, networks={"G": wrong})


def test_a_critic_of_the_users_own_has_to_tell_the_class(shades, tmp_path):
    class D(nn.Module):
        def __init__(self, tells):
            super().__init__()
            self.body, self.head, self.tells = nn.Linear(64, 1), nn.Linear(64, 3), tells

        def forward(self, x, y):
            x = x.flatten(1)
            return CriticOutput(self.body(x), {"class": self.head(x)}) if self.tells else self.body(x)

    recipe = RECIPES["acgan"]
    with pytest.raises(UserError, match="the critic has no output 'class': return CriticOutput"):
        sparring.train(recipe, shades, tmp_path / "a", images=200, networks={"D": D(False)})
    assert not (tmp_path / "a").exists()
    run = sparring.train(recipe, shades, tmp_path / "b", images=128, reports=1, networks={"D": D(True)})
    assert set(run.journal.entries[-1]["losses"]) >= {"critic.class", "generator.class"}


def test_an_unknown_conditioning(shades, tmp_path):
    with pytest.raises(UserError, match=r"no conditioning 'auxilary' \(did you mean 'auxiliary'\?\); there are: input"):
        sparring.train(RECIPES["acgan"].with_options(conditioning="auxilary"), shades, tmp_path / "a", images=200)


@pytest.fixture(scope="module")
def toned() -> Dataset:
    """8×8 pictures of one grey, by two attributes: `tone`, the grey itself, and `luck`, which shows in nothing."""
    g = torch.Generator().manual_seed(0)
    tone, luck = 40 + 180 * torch.rand(600, generator=g), torch.randn(600, generator=g)
    pixels = (tone.view(-1, 1, 1, 1) + 8 * torch.rand(600, 1, 8, 8, generator=g)).to(torch.uint8)
    return Dataset.of("toned", *split(Split(pixels, torch.stack([tone, luck], 1))), ("tone", "luck"))


def test_attributes_go_in_and_can_be_asked_for(toned, tmp_path, capsys):
    out = tmp_path / "run"
    sparring.train(SMALL, toned, out, images=40_000, reports=1, threads=1)
    model = sparring.load(out)
    assert model.classes == () and model.conditioning.names == ("tone", "luck") and model.sampled_labels(3) is None
    for tone in (80, 130, 180):
        drawn = model.sample(100, label=f"tone={tone}").float().mean((1, 2, 3))
        assert drawn.mean().item() == pytest.approx(tone + 4, abs=20), tone
    spread = model.sample(300).float().mean((1, 2, 3)).std().item()
    assert spread == pytest.approx(180 / 12**0.5, rel=0.3)  # as in the data, when nothing is asked
    assert torch.equal(model.sample(600, label="tone=100, luck=0")[:7], model.sample(7, label="luck=0,tone=100"))
    line = refused(capsys, "sample", out, "--label", "tune=3", "--out", tmp_path / "a.png")
    assert "no attribute 'tune' (did you mean 'tone'?); there are: tone, luck" in line
    line = refused(capsys, "sample", out, "--label", "tone=x", "--out", tmp_path / "a.png")
    assert "'tone=x' has no number: write labels like tone=1" in line
    with pytest.raises(UserError, match="'projection' is of classes, but the data has attributes"):
        sparring.train("projection", toned, tmp_path / "b", images=64)


def test_a_model_file_without_its_attributes_is_refused(toned, tmp_path):
    from safetensors.torch import load_file, save_file

    sparring.train("cgan", toned, tmp_path / "run", images=128, reports=1)
    for path in (tmp_path / "run" / "model").glob("*.safetensors"):
        save_file({name: x for name, x in load_file(path).items() if name != "attributes"}, path)
    with pytest.raises(UserError, match="which has 2 attributes"):
        sparring.load(tmp_path / "run")
