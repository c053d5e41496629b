"""Recipes that make pictures of pictures: two rounds, resumed to the bit, read again, applied."""

from dataclasses import replace

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit

import sparring
from sparring.build.game import build_game, game_options
from sparring.build.overrides import with_flags
from sparring.data import Dataset, Split
from sparring.errors import UserError
from sparring.game import Round, Verdict
from sparring.games.cut import CUT
from sparring.games.pix2pix import Pix2Pix
from sparring.games.restoration import Restoration
from sparring.modalities.registry import for_recipe
from sparring.models.load import load_model
from sparring.models.model import ModelSpec
from sparring.models.translator import ImageToImageModel
from sparring.networks.translator import PatchHeads
from sparring.recipes import RECIPES, Recipe
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

TRANSLATING = [name for name, recipe in RECIPES.items() if recipe.modality == "pair"]
SMALL = {
    "gated-unet": {"generator.width": "4", "generator.levels": "1", "generator.dilations": "1"},
    "rrdb": {"generator.width": "6", "generator.growth": "4", "generator.blocks": "1"},
    "unet": {"generator.width": "4", "generator.widest": "8"},
    "translator": {"generator.width": "4", "generator.blocks": "2"},
}
SHAPE = (3, 16, 24)


CLASSES = ("dark", "light", "mixed")


def small(name: str) -> Recipe:
    recipe = RECIPES[name]
    numbers = SMALL[recipe.generator.name] | {"critic.width": "4", "batch": "4"}
    numbers |= {"cyclegan": {"pool": "3"}, "cut": {"places": "20"}}.get(recipe.game.name, {})
    # Where hinge has all logits between its margins, a critic's last bias holds still.
    recipe = with_flags(recipe, numbers).with_options(objective="least-squares")
    return recipe.with_options(warm_up=4) if recipe.game.options.get("warm_up") else recipe


def loop_of(recipe: Recipe) -> Loop:
    torch.manual_seed(0)
    if recipe.conditional:
        return Loop(build_game(recipe, SHAPE, classes=3), Pictures(SHAPE, classes=3), loop_settings(recipe))
    given = None if recipe.degradations else Pictures(SHAPE).x.flip(0)
    return Loop(build_game(recipe, SHAPE), Pictures(SHAPE, given=given), loop_settings(recipe))


def pairs(n: int = 40, channels: int = 3, damaged: bool = False, unpaired: str = "") -> Dataset:
    """Pictures of two shades; what is given is their negative."""
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(n, channels, 2, 2, generator=g) * 255).to(torch.uint8)
    x = x.repeat_interleave(8, 2).repeat_interleave(12, 3)
    whole = Split(x) if damaged else Split(x, condition=255 - x[:, :1])
    medium = "image" if damaged else "pair"
    return Dataset.of("these", whole[: n - 12], whole[n - 12 :], (), modality=medium, unpaired=unpaired)


def classed(n: int = 90, names: tuple[str, ...] = CLASSES) -> Dataset:
    """Pictures of three classes by shade."""
    labels, g = torch.arange(n) % 3, torch.Generator().manual_seed(0)
    x = (torch.rand(n, 3, 16, 24, generator=g) * 80).to(torch.uint8) + 80 * labels.view(-1, 1, 1, 1).to(torch.uint8)
    whole = Split(x, labels)
    return Dataset.of("these", whole[: n - 18], whole[n - 18 :], names)


@pytest.mark.parametrize("name", TRANSLATING)
def test_resumed_to_the_bit_and_read_again(name, tmp_path):
    loop, parts = resumed_to_the_bit(lambda: loop_of(small(name)), before=3, after=3)
    assert any("generator" in part or "fools" in part for part in parts)
    told = {"labels": CLASSES, "shares": (1 / 3,) * 3} if small(name).conditional else {}
    model = ImageToImageModel(ModelSpec(small(name), SHAPE, **told), loop.ema.players["G"])
    model.save(tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, ImageToImageModel)
    x = torch.randint(256, (2, again.input_shape[0], 9, 14), dtype=torch.uint8)
    known = torch.rand(2, 1, 9, 14) > 0.5 if again.masked else None
    label = "light" if told else None
    made = again.apply(x, known, label=label)
    assert torch.equal(made, model.apply(x, known, label=label)) and made.dtype == torch.uint8
    assert made.shape == (2, 3, 9 * again.scale, 14 * again.scale)
    if known is not None:
        assert torch.equal(made.where(known, 0), x.where(known, 0)) and not torch.equal(made, x)


NEAREST = ("deblur", "denoise", "inpaint")
"""Recipes that are to come near the right answer, whose weights are chosen by that."""


@pytest.mark.parametrize("name", [name for name in TRANSLATING if name != "stargan"])
def test_a_run_from_beginning_to_end(name, tmp_path):
    recipe = small(name)
    data = pairs(damaged=bool(recipe.degradations)) if name not in ("cut", "fastcut") else pairs(channels=1)
    run = sparring.train(recipe, data, tmp_path / "run", images=8, reports=1, threads=1)
    assert run.outcome == "finished" and run.report is not None
    rows = {row.name: row.scores for row in run.report.rows}
    assert {"model", "real", "mean image"} <= set(rows) and rows["real"]["l1"] == 0 and rows["real"]["psnr"] == 100
    assert rows["real"]["top1"] == 1 and rows["model"]["l1"] > 0
    assert run.judge.score_names[0] == ("l1" if name in NEAREST else "frechet")
    assert (tmp_path / "run" / "report.html").exists()
    report = sparring.evaluate(tmp_path / "run", data=data)
    assert report.rows[0].scores == pytest.approx(rows["model"])
    with pytest.raises(UserError, match="translates images: use spar apply"):
        sparring.load(tmp_path / "run").sample(3)


VARIED = ("flip", "rotation", "hue", "brightness")


def varied(name: str) -> Recipe:
    return small(name).with_options(augment=VARIED, augment_p=1.0)


def test_both_pictures_of_a_pair_are_varied_alike():
    game = build_game(varied("pix2pix"), SHAPE)
    assert isinstance(game, Pix2Pix)
    x, g = torch.rand(4, *SHAPE), torch.Generator().manual_seed(0)
    latent = {name: draw(4, SHAPE, g) for name, draw in game.latents.items()}
    round = game.preprocess_round(Round(x, x.clone(), latent))
    assert isinstance(round.real, torch.Tensor) and round.condition is not None
    assert torch.equal(round.real, round.condition) and ((round.real - x).abs().amax((1, 2, 3)) > 0.01).all()
    assert round.real.abs().max() <= 1


@pytest.mark.parametrize("name", ["pix2pix", "inpaint", "upscale"])
def test_varied_pairs_are_resumed_to_the_bit(name):
    loop, parts = resumed_to_the_bit(lambda: loop_of(varied(name)), before=3, after=3)
    assert loop.latest is not None and "vary" in loop.latest.latent
    _, same = resumed_to_the_bit(lambda: loop_of(varied(name).with_options(augment=())), before=3, after=3)
    assert not torch.equal(parts["generator.l1"], same["generator.l1"])


def test_what_is_restored_is_the_varied_picture_whatever_its_class():
    game, x, g = build_game(varied("denoise"), SHAPE), torch.rand(4, *SHAPE), torch.Generator().manual_seed(0)
    assert isinstance(game, Restoration)
    latent = {name: draw(4, SHAPE, g) for name, draw in game.latents.items()}
    round = game.preprocess_round(Round(x, torch.arange(4), latent))
    assert isinstance(round.real, torch.Tensor) and not torch.equal(round.real, x)
    assert round.condition is not None and torch.equal(round.condition, game.degradation(round.real, latent))


@pytest.mark.parametrize("name", ["cyclegan", "cut", "stargan"])
def test_pictures_without_pairs_are_not_varied(name):
    with pytest.raises(UserError, match="which has no augment: leave augment out"):
        build_game(varied(name), SHAPE, classes=3)


def test_structure_is_held_to_before_the_critic_comes_in_and_after():
    torch.manual_seed(0)
    recipe = changed(small("denoise"), methods=("structure",), weights={"structure": 10.0})
    shape = (3, 16, 16)
    loop = Loop(build_game(recipe, shape), Pictures(shape), loop_settings(recipe))
    warm, after = loop.round(), loop.round()
    assert {"warm-up.l1", "warm-up.structure"} == set(warm)
    assert {"generator.l1", "generator.structure", "generator.generator"} <= set(after)
    assert 0 < after["generator.structure"] < 2 * 10


def test_without_pairs_the_domains_are_compared(tmp_path):
    data = pairs(unpaired="names differ")
    run = sparring.train(small("cyclegan"), data, tmp_path / "run", images=4, reports=1, threads=1)
    assert run.report is not None and "frechet" in run.report.rows[0].scores and "l1" not in run.report.rows[0].scores


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("stargan", pairs(), "needs classes, and these has two domains"),
        ("stargan", pairs(damaged=True), "needs classes, and these has no classes: use one folder per class"),
        ("stargan", classed(48), "needs 24 training images per class, and 'dark' of these has 10"),
        ("pix2pix", pairs(unpaired="trainA has 3 pictures, trainB 5"), "needs pairs: in these, trainA has 3"),
        ("pix2pix", pairs(damaged=True), "needs two domains, and these has one: use folders trainA"),
        ("cut", pairs(), "cut reads both domains by one network"),
        ("dcgan", pairs(), "dcgan makes images, but these holds pairs"),
    ],
)
def test_data_that_does_not_suit(name, data, why, tmp_path):
    with pytest.raises(UserError, match=why):
        sparring.train(name, data, tmp_path / "run", images=8)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("denoise", {"degradations": ()}, "state some, such as --degradations"),
        ("denoise", {"degradations": ("noize:1",)}, "did you mean 'noise'"),
        ("upscale", {"degradations": ("downscale:3",)}, "can't be downscaled by 3"),
        ("cyclegan", {"augment": ("diffaugment",)}, "which has no augment"),
        ("cyclegan", {"image_pool": 0}, "image-pool is 0"),
        ("pix2pix", {"conditioning": "projection"}, "which has no conditioning"),
        ("stargan", {"conditioning": "projection"}, "leave conditioning at auxiliary"),
        ("stargan", {"augment": ("diffaugment",)}, "which has no augment"),
    ],
)
def test_what_it_refuses(name, changes, why):
    with pytest.raises(UserError, match=why):
        build_game(changed(RECIPES[name], **changes), (3, 16, 16), classes=3)


def test_pictures_are_moved_to_classes(tmp_path):
    """What is asked for matters, and pictures are judged by the classes asked for."""
    run = sparring.train(small("stargan"), classed(), tmp_path / "run", images=40, reports=2, threads=1)
    assert run.outcome == "finished" and run.report is not None
    rows = {row.name: row.scores for row in run.report.rows}
    assert rows["real"]["class_accuracy"] > 0.9 > 0.2 > rows["copy input"]["class_accuracy"]
    assert rows["model"]["class_frechet"] > 0 and "l1" not in rows["model"]
    assert run.journal.best("class_frechet") is not None
    assert sparring.evaluate(tmp_path / "run", data=classed()).rows[0].scores == pytest.approx(rows["model"])
    model = sparring.load(tmp_path / "run")
    assert isinstance(model, ImageToImageModel)
    x = classed().test.values[:4]
    made = {name: model.apply(x, label=name) for name in CLASSES}
    assert not torch.equal(made["dark"], made["light"]) and made["dark"].shape == x.shape
    assert torch.equal(model.apply(x, label=torch.tensor([0, 1, 1, 2]))[1], made["light"][1])
    with pytest.raises(
        UserError, match="no class 'lihgt' \\(did you mean 'light'\\?\\); there are: dark, light, mixed"
    ):
        model.apply(x, label="lihgt")
    with pytest.raises(UserError, match="needs a target class: pass a label, one of dark, light, mixed"):
        model.apply(x)


def test_held_out_of_every_class_and_given_others():
    data = for_recipe(classed(), RECIPES["stargan"])
    assert data.select is not None and len(data.train) + len(data.select) == 72
    assert data.select.labels is not None and data.select.labels.bincount().tolist() == [4, 4, 4]
    for part in (data.select, data.test):
        assert part.condition is not None and part.labels is not None
        shades = part.condition.flatten(1).double().mean(1).div(80).floor()
        assert (shades != part.labels).all()


@pytest.mark.parametrize(("name", "part"), [("cyclegan", "fools_D"), ("cyclegan", "fools_C"), ("fastcut", "generator")])
def test_fooling_weighs_beside_the_rest_as_in_the_paper(name, part):
    """(D(G(x)) − 1)², without the objective's ½."""
    recipe, logits = RECIPES[name], torch.tensor([[3.0]])
    told = game_options(recipe).build_objective().generator(Verdict(lambda x: x, logits, logits))["generator"]
    assert recipe.weights[part] * told == (logits - 1).square()


def test_cut_may_hold_pictures_of_the_target_domain_to_what_they_are():
    recipe = replace(small("cut"), weights={"nce": 1.0, "identity": 5.0})
    game, y = build_game(recipe, SHAPE), Pictures(SHAPE).x[:4]
    turn = game.turns(0)[-1]
    latent = {"places": torch.rand(4, len(game.players["G"].widths), 16 * 24)}  # pyright: ignore
    parts = turn.loss(Round(y, y, latent, game.generate(Round(y, y, latent))))
    assert {"nce", "identity"} < set(parts) and "nce_identity" not in parts
    torch.testing.assert_close(parts["identity"], (y - game.players["G"](y)).abs().mean((1, 2, 3)))


def test_stargan_holds_to_what_they_are_those_that_are_to_stay():
    game, x, of = build_game(small("stargan"), SHAPE, classes=2), Pictures(SHAPE).x[:4], torch.tensor([0, 0, 1, 1])
    latent = {"domain": torch.tensor([0.1, 0.9, 0.2, 0.7])}  # 0, 1, 0, 1: the first and the last stay
    fake = game.generate(Round(x, of, latent))
    parts = game.turns(0)[-1].loss(Round(x, of, latent, fake))
    apart = (fake - x).abs().mean((1, 2, 3))  # pyright: ignore[reportOperatorIssue]
    torch.testing.assert_close(parts["identity"], 2 * apart * torch.tensor([1.0, 0.0, 0.0, 1.0]))


def test_fastcut_mirrors_there_and_back():
    """A generator that changes nothing, seen pixel by pixel, is judged alike whether pictures were mirrored or not."""
    game, x = build_game(small("fastcut"), SHAPE), Pictures(SHAPE).x[:4]
    assert isinstance(game, CUT)
    game.players["G"].forward, game.features = lambda x: x, lambda x: [x]  # type: ignore[method-assign]
    game.players["H"] = PatchHeads([3], 20)
    turn, places = game.turns(0)[-1], torch.rand(4, 1, 16 * 24)

    def contrast(mirror: list[float]) -> torch.Tensor:
        latent = {"places": places, "mirror": torch.tensor(mirror)}
        fake = game.generate(Round(x, x, latent))
        assert torch.equal(fake[0], x[0].flip(2) if mirror[0] < 0.5 else x[0])
        return turn.loss(Round(x, x, latent, fake))["nce"]

    assert torch.equal(contrast([0.9, 0.9, 0.9, 0.9]), contrast([0.1, 0.9, 0.4, 0.5]))
