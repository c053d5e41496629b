"""The games that make pictures of pictures, built of a recipe's players and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from sparring.build.networks import build_augmentation, build_network, build_objective, gan_options, reject_options
from sparring.degrade import Degradation
from sparring.errors import UserError
from sparring.game import Game
from sparring.games.cut import CUT, IDENTITIES
from sparring.games.cyclegan import CycleGAN
from sparring.games.fake_history import FakeHistory
from sparring.games.pix2pix import Pix2Pix
from sparring.games.restoration import Restoration
from sparring.games.stargan import StarGAN
from sparring.losses.objectives import Objective
from sparring.networks.translator import PatchHeads, Translator
from sparring.recipes.recipe import Recipe, Shape

Networks = Mapping[str, nn.Module]
"""The user's own, by player."""
NOT_FOR_IMAGE_TO_IMAGE = ("conditioning", "categories", "codes", "pack", "unroll", "augment_target", "noise")


def input_shape(recipe: Recipe, shape: Shape) -> Shape:
    """Of what pictures of this shape are made of, with the channel that says what is known of it, if there is one.

    Raises UserError for damage that is not understood, or does not suit the shape.
    """
    if recipe.damage:
        return Degradation(recipe.damage).inputs(shape)
    return int(recipe.generator.numbers.get("inputs", 0)) or shape[0], *shape[1:]  # pyright: ignore[reportArgumentType]


def build_translator(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    """The generator of pictures of this shape, and of so many classes if it is told which."""
    inputs = input_shape(recipe, shape)
    enlarged = {"scale": shape[1] // inputs[1]} if inputs[1:] != shape[1:] else {}
    told = {"classes": width} if recipe.conditional else {}
    return build_network(recipe.generator, shape, inputs=inputs[0], **enlarged, **told)


def _parts(
    recipe: Recipe, shape: Shape, networks: Networks, beside: int
) -> tuple[nn.Module, nn.Module, dict[str, Any]]:
    """G, D that sees so many channels beside a picture, and what every GAN takes; no latents."""
    reject_options(recipe, *NOT_FOR_IMAGE_TO_IMAGE)
    G = networks.get("G") or build_translator(recipe, shape)
    D = networks.get("D") or build_network(recipe.critic, shape, inputs=beside)
    given = gan_options(replace(recipe, augment=()), G, D, 0)
    del given["latents"]  # these games have their own
    return G, D, given


def _pix2pix(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> Game:
    G, D, given = _parts(recipe, shape, networks, input_shape(recipe, shape)[0])
    return Pix2Pix(G, D, build_objective(recipe), warm_up=recipe.warm_up, vary=build_augmentation(recipe), **given)


def _restoration(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> Game:
    """The critic sees the damaged copy too, if it has the picture's size."""
    if not recipe.damage:
        raise UserError(f"{recipe.name} undoes damage: state some, such as --damage noise:0.1")
    inputs = input_shape(recipe, shape)
    shows = inputs[1:] == shape[1:]
    G, D, given = _parts(recipe, shape, networks, inputs[0] * shows)
    given |= {"warm_up": recipe.warm_up, "vary": build_augmentation(recipe)}
    return Restoration(G, D, build_objective(recipe), damage=Degradation(recipe.damage), shows=shows, **given)


def _cyclegan(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> Game:
    reject_options(recipe, *NOT_FOR_IMAGE_TO_IMAGE, "augment", "penalties", "methods", "critic_steps", "top_k", "clip")
    if recipe.pool < 1:
        raise UserError(f"pool is {recipe.pool}: a critic's pool holds 1 picture or more")
    other = input_shape(recipe, shape)
    players = {
        "G": networks.get("G") or build_translator(recipe, shape),
        "F": build_network(recipe.generator, other, inputs=shape[0]),
        "D": networks.get("D") or build_network(recipe.critic, shape, inputs=0),
        "C": build_network(recipe.critic, other, inputs=0),
    }
    pools = FakeHistory(shape, recipe.pool), FakeHistory(other, recipe.pool)
    wanted = build_objective(recipe)
    assert isinstance(wanted, Objective)
    return CycleGAN(players, wanted, pools, identity=shape == other)


def _cut(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> Game:
    reject_options(recipe, "augment")
    G, D, given = _parts(recipe, shape, networks, 0)
    if not isinstance(G, Translator) or G.inputs != shape[0]:
        raise UserError("cut reads both domains by one network, a translator: take --channels rgb, or grey, for both")
    given |= {"identities": [name for name in IDENTITIES if name in recipe.weights], "mirrors": recipe.mirrors}
    return CUT(G, D, PatchHeads(G.widths, recipe.places), build_objective(recipe), **given)


def _stargan(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> Game:
    reject_options(recipe, "augment", *(name for name in NOT_FOR_IMAGE_TO_IMAGE if name != "conditioning"))
    if recipe.conditioning != "auxiliary":
        raise UserError(f"{recipe.name}'s critic tells the class: leave conditioning at auxiliary")
    G, D = build_translator(recipe, shape, width), build_network(recipe.critic, shape, classes=width)
    given = gan_options(recipe, G, D, width)
    del given["latents"]
    return StarGAN(G, D, build_objective(recipe), domains=width, **given)


IMAGE_TO_IMAGE_GAMES: dict[str, Callable[[Recipe, Shape, Networks, int], Game]] = {
    "pix2pix": _pix2pix,
    "restoration": _restoration,
    "cyclegan": _cyclegan,
    "cut": _cut,
    "stargan": _stargan,
}
