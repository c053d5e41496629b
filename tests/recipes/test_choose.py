import pytest

from sparring.build.game import build_game
from sparring.build.overrides import recipe_flags, with_flags
from sparring.errors import UserError
from sparring.modalities.registry import MODALITIES
from sparring.recipes import RECIPES
from sparring.recipes.choose import DataSummary
from sparring.schedules import at


def choose(modality: str, *about, **more):
    kind = MODALITIES[modality]
    return kind.suggest(DataSummary(kind.words.examples, *about, **more))


def test_what_suits_data_and_why():
    many = choose("image", (1, 28, 28), 60_000, 10, "cpu")
    assert many.recipe is RECIPES["cgan"] and many.images == RECIPES["cgan"].images
    assert "60,000 images of 1×28×28, on cpu" in many.reasons and any("10 classes" in why for why in many.reasons)
    mixed = choose("image", (1, 28, 28), 60_000, 1_000, "cpu")
    assert mixed.recipe is RECIPES["rpgan"] and any("1000 classes, too small" in why for why in mixed.reasons)
    few = choose("image", (3, 64, 64), 300, 0, "cpu")
    assert (
        few.recipe.name == "rpgan" and few.recipe.game.options["augment"] == ("diffaugment",) and few.images == 150_000
    )
    assert any("diffaugment" in why and "overfit" in why for why in few.reasons)
    more = choose("image", (3, 64, 64), 600, 0, "cpu")
    assert "augment" not in more.recipe.game.options and more.images == 60_000
    assert any("600" in why and "overfit" in why for why in more.reasons)
    held_out = choose("image", (1, 28, 28), 834, 10, "cpu", held_out=166)  # ten classes of 100
    assert held_out.recipe is RECIPES["cgan"]
    for count, batch in ((10, 8), (43, 32), (64, 64), (300, 64)):
        choice = choose("image", (1, 28, 28), count, 0, "cpu")
        assert choice.recipe.batch == batch and any("only" in why for why in choice.reasons) == (count < 64)
    thin = choose("image", (1, 4, 32), 60_000, 0, "cpu")
    assert thin.recipe is RECIPES["mlp-gan"] and any("too small" in why for why in thin.reasons)
    pairs = choose("image", (2, 28, 28), 60_000, 10, "cpu", pairs=True)
    assert pairs.recipe is RECIPES["cogan"] and any("two domains" in why for why in pairs.reasons)
    two = choose("pair", (3, 64, 64), 1_000, 0, "cpu")
    assert two.recipe is RECIPES["pix2pix"] and any("1,000 pairs" in why for why in two.reasons)
    assert choose("pair", (3, 64, 64), 1_000, 0, "cpu", unpaired=True).recipe is RECIPES["cyclegan"]
    points = choose("point", (2,), 100_000, 8, "cpu")
    assert points.recipe is RECIPES["points"]


@pytest.mark.parametrize(("classes", "name"), [(0, "rpgan"), (10, "cgan")])
def test_the_device_does_not_change_the_recipe(classes, name):
    """The presets of r3gan need a GPU and were not measured: they are used by name only."""
    cpu, gpu = (choose("image", (3, 64, 64), 70_000, classes, device) for device in ("cpu", "cuda"))
    assert gpu.recipe == cpu.recipe and gpu.images == cpu.images and gpu.recipe.name == name


def test_pictures_in_colour_are_learnt_at_half_the_rate():
    for channels, factor in ((1, 1), (2, 1), (3, 0.5), (4, 0.5)):
        choice = choose("image", (channels, 32, 32), 60_000, 0, "cpu")
        assert at(choice.recipe.lr, 0) == pytest.approx(factor * at(RECIPES["rpgan"].lr, 0))
        assert any("too high for colour" in why for why in choice.reasons) == (factor < 1)


def test_every_number_is_a_flag():
    recipe = with_flags(
        RECIPES["wgan-gp"],
        {"lr": "3e-4", "critic-steps": "2", "weight.lipschitz": "5", "critic.norm": "batch", "noise": "0.1"},
    )
    assert recipe.lr == 3e-4 and recipe.game.options["critic_steps"] == 2 and recipe.weights == {"lipschitz": 5.0}
    assert recipe.critic.numbers["norm"] == "batch" and recipe.game.options["noise"] == 0.1
    assert recipe_flags(recipe)["critic-steps"] == 2 and RECIPES["wgan-gp"].game.options["critic_steps"] == 5
    with pytest.raises(UserError, match="did you mean 'critic-steps'"):
        with_flags(recipe, {"critic-step": "2"})
    with pytest.raises(UserError, match=r"no game has a loss term 'lipshitz' to weigh \(did you mean 'lipschitz'"):
        with_flags(recipe, {"weight.lipshitz": "10"})
    assert with_flags(RECIPES["dcgan"], {"weight.real": "2"}).weights == {"real": 2.0}


def test_a_name_a_network_does_not_know():
    recipe = with_flags(RECIPES["hinge"], {"critic.norm": "spectrum"})
    with pytest.raises(UserError, match="dcgan-critic knows no 'spectrum'"):
        build_game(recipe, (1, 16, 16))


@pytest.mark.parametrize(
    ("recipe", "number", "text"),
    [
        ("mlp-gan", "critic.dropout", "2"),
        ("r3gan", "generator.group", "0"),
        ("stylegan2", "generator.width", "0"),
        ("pix2pix", "critic.scales", "0"),
        ("denoise", "generator.levels", "-1"),
    ],
)
def test_networks_that_can_not_be_built(recipe, number, text):
    with pytest.raises(UserError, match=f"can't be built with .*'{number.split('.')[1]}': {text}"):
        build_game(with_flags(RECIPES[recipe], {number: text}), (3, 16, 16))
