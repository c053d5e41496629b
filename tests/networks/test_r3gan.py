"""R3GAN's networks and numbers against the paper's description."""

import pytest
import torch
from playing import Pictures, resumed_to_the_bit
from torch.nn.functional import leaky_relu

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.r3gan import R3GANBlock, R3GANCritic, R3GANGenerator
from sparring.recipes import RECIPES
from sparring.schedules import at
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

NARROW = {"batch": "8", "images": "64"} | {
    f"{side}.{name}": value
    for side in ("generator", "critic")
    for name, value in {"width": "8", "widest": "16", "blocks": "1", "group": "8"}.items()
}


def test_the_preset_has_as_many_weights_as_the_paper_says():
    recipe = RECIPES["r3gan-cifar10"]
    with torch.device("meta"):
        players = build_game(recipe, (3, 32, 32), classes=10).players
    count = {name: sum(p.numel() for p in net.parameters()) / 1e6 for name, net in players.items()}
    assert (round(count["G"], 1), round(count["D"], 1)) == (20.8, 21.3)


@pytest.mark.parametrize("depth", [4, 8])
def test_a_block_begins_as_nothing_and_its_branch_has_variance_one_over_depth(depth):
    torch.manual_seed(0)
    block, x = R3GANBlock(64, 16, depth), torch.randn(8, 64, 16, 16)
    assert torch.equal(block(x), x)
    inner = leaky_relu(block.W2(leaky_relu(block.W1(x), 0.2)), 0.2)[..., 1:-1, 1:-1]  # zeros stand beyond the border
    assert inner.square().mean().item() == pytest.approx(1 / depth, rel=0.1)


def test_variance_at_the_start():
    """The linear layers keep it: of a 4×4 image, where no filter smoothes, it is 1."""
    torch.manual_seed(0)
    images = R3GANGenerator((3, 4, 4), 64, width=256)(torch.randn(2_000, 64))
    assert images.var(0).mean().item() == pytest.approx(1, rel=0.15)  # over what the basis and the last layer drew
    logits = R3GANCritic((3, 4, 4), width=256)(torch.randn(2_000, 3, 4, 4))
    assert logits.var().item() == pytest.approx(1, rel=0.3)


def test_schedules_at_the_start_the_middle_and_the_end():
    T = 20_000_000
    recipe = RECIPES["r3gan-cifar10"].with_horizon(T)
    told = {
        "gamma": recipe.weights["r1"], "lr": recipe.lr, "beta2": recipe.beta2,
        "p": recipe.game.options["augment_p"], "half-life": recipe.ema_half_life,
    }  # fmt: skip
    for seen, expected in (
        (0, (0.05, 2e-4, 0.9, 0.0, 0.0)),
        (T // 2, (0.0275, 1.25e-4, 0.945, 0.275, 2.5e6)),
        (T, (0.005, 5e-5, 0.99, 0.55, 5e6)),
        (2 * T, (0.005, 5e-5, 0.99, 0.55, 5e6)),
    ):
        assert [at(number, seen) for number in told.values()] == pytest.approx(list(expected))
    assert (
        recipe.weights["r2"] == recipe.weights["r1"] and recipe.beta1 == 0 and recipe.game.options["resample_each_turn"]
    )


def test_the_class_is_met_by_a_product():
    torch.manual_seed(0)
    D, x = R3GANCritic((1, 8, 8), 8, 16, 1, 8, classes=3), torch.randn(4, 1, 8, 8)
    y = torch.tensor([0, 2, 1, 2])
    features, logits = D.features_and_logits(x, y)
    said = features @ D[-1].W.weight.T
    expected = torch.stack([row @ D[-1].E.weight[:, k] for row, k in zip(said, y, strict=True)])
    torch.testing.assert_close(logits, expected[:, None])
    G, z = R3GANGenerator((1, 8, 8), 6, 8, 16, 1, 8, classes=3, embedding=5), torch.randn(2, 6)
    embedded = torch.cat([z, G.label.weight.T[[2, 0]]], 1)
    made = G.stages((embedded @ G.linear.weight.T)[:, :, None, None] * G.basis)
    torch.testing.assert_close(G(z, torch.tensor([2, 0])), made)
    assert not torch.allclose(G(z, torch.tensor([2, 0])), G(z, torch.tensor([1, 1])))


@pytest.mark.parametrize("shape", [(1, 28, 28), (4, 24, 40), (3, 6, 6)])
def test_sizes(shape):
    G, D = R3GANGenerator(shape, 6, 8, 16, 1, 8), R3GANCritic(shape, 8, 16, 1, 8)
    assert G(torch.randn(2, 6)).shape == (2, *shape) and D(torch.randn(2, *shape)).shape == (2, 1)


@pytest.mark.parametrize(
    ("flags", "shape", "line"),
    [({}, (1, 30, 30), "--size"), ({"generator.group": "7"}, (1, 8, 8), "group is 7")],
)
def test_what_can_not_be_built_is_one_line(flags, shape, line):
    with pytest.raises(UserError, match=line) as raised:
        build_game(with_flags(RECIPES["r3gan"], flags), shape)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["r3gan", "r3gan-cifar10"])
def test_resumed_to_the_bit_and_read_again(name, tmp_path):
    recipe = with_flags(RECIPES[name], NARROW)
    classes = 3 if recipe.conditional else 0

    def new() -> Loop:
        torch.manual_seed(0)
        return Loop(build_game(recipe, (1, 8, 8), classes=classes), Pictures((1, 8, 8), 3), loop_settings(recipe))

    loop, _ = resumed_to_the_bit(new, before=3)
    labels = tuple("abc"[:classes])
    description = ModelSpec(recipe, (1, 8, 8), labels=labels, shares=tuple(1 / classes for _ in labels))
    model = Model(description, loop.ema.players["G"])
    model.save(tmp_path)
    asked = labels[0] if labels else None
    assert torch.equal(load_model(tmp_path).sample(3, label=asked), model.sample(3, label=asked))
