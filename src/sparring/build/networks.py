"""A recipe's players and what its game takes, from names and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from torch import nn

from sparring.augment import Adaptive, Augment
from sparring.build.methods import METHODS, BuildContext, HeadFactory, Method
from sparring.errors import UserError, lookup, one_line
from sparring.game import Draw, ScheduledBuffer
from sparring.games.critic_input import CriticInput
from sparring.losses.objectives import OBJECTIVES, Objective, TopK, one_sided_label_smoothing, uses_logit_differences
from sparring.losses.penalties import PENALTIES
from sparring.networks import NETWORKS
from sparring.networks.coupled import CoupledCritic
from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.discrete import noise_dims
from sparring.networks.layers.heads import HeadedCritic, feature_width
from sparring.networks.layers.labels import LabelledCritic, LabelledGenerator
from sparring.priors import latent_prior
from sparring.recipes.recipe import USER_NETWORK_PREFIX, Network, Recipe, Shape
from sparring.schedules import Number, at

BOUNDS = {
    "pack": (1, math.inf),
    "critic_steps": (1, math.inf),
    "penalty_every": (1, math.inf),
    "generator_penalty_every": (1, math.inf),
    "unroll": (0, math.inf),
    "noise": (0, math.inf),
    "clip": (0, math.inf),
    "smoothing": (0, 1),
}
"""The least and the greatest of what a game takes."""


def check_bounds(recipe: Recipe) -> None:
    """Raises UserError for a number that no game can be played with."""
    for name, (least, most) in BOUNDS.items():
        number = getattr(recipe, name)
        if not all(least <= value <= most for value in _ends(recipe, number)):
            may = f"{least} or more" if most == math.inf else f"{least} to {most}"
            raise UserError(f"{name.replace('_', '-')} is {number}: it must be {may}")


def _ends(recipe: Recipe, number: Number) -> tuple[float, float]:
    """Where a number starts and ends; between them it neither rises nor falls beyond."""
    return at(number, 0), at(number, recipe.images)


def selected_methods(recipe: Recipe) -> list[Method]:
    """All that the recipe adds to the game. Raises UserError for names that are not there, or not in their place."""
    ways = {name: method for name, method in METHODS.items() if method.conditional}
    others = {name: method for name, method in METHODS.items() if not method.conditional}
    classed = [lookup(ways, "conditioning", recipe.conditioning)] if recipe.conditioning else []
    if len({"codes" in recipe.methods, recipe.codes > 0, recipe.categories > 0}) > 1:
        raise UserError("the method 'codes' and the numbers categories and codes go together: set all three, or none")
    added = [*classed, *(lookup(others, "method", name) for name in recipe.methods)]
    for name in recipe.methods:
        if recipe.plays not in METHODS[name].games:
            raise UserError(f"the method '{name}' goes with {', '.join(METHODS[name].games)}, not with {recipe.plays}")
        if (beside := METHODS[name].requires) and beside not in recipe.methods:
            raise UserError(f"the method '{name}' goes with '{beside}': name both, or neither")
    if recipe.pack > 1 and any(method.single_example for method in added):
        raise UserError("a critic can't tell the class of a pack, nor its codes: leave pack at 1, or that method out")
    return added


def build_network(network: Network, shape: Shape, **fitted: int) -> nn.Module:
    """The network for examples of this shape; `fitted` are the numbers that follow from the rest of the recipe.

    Raises UserError for an unknown name, for numbers that the network does not take, and for an unsuitable shape.
    """
    name, numbers = network.name, dict(network.numbers)
    if name.startswith(USER_NETWORK_PREFIX):
        raise UserError(
            f"the network {name.removeprefix(USER_NETWORK_PREFIX)} is not the library's: "
            "hand it over from Python, as networks={'G': …, 'D': …}"
        )
    new = lookup(NETWORKS, "network", name)
    try:
        return new(shape=shape, **numbers | fitted)
    except KeyError as error:
        raise UserError(f"{name} knows no {error} of {numbers}") from None
    except (TypeError, RuntimeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{name} can't be built with {numbers}: {one_line(error)}") from None


def build_prior(recipe: Recipe, G: nn.Module) -> Draw:
    """The prior of the recipe's latents, and of the random inputs that G itself asks for."""
    return latent_prior(recipe.z, recipe.categories, recipe.codes, noise_dims(G))


def build_generator(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    """The generator for latents of this recipe's size, and for `width` classes or attributes if it is conditional.

    A network whose class says `conditional` takes `classes` and meets them in its own way; others have them behind z.
    """
    network, z = recipe.generator, recipe.latent_dim
    if recipe.is_image_to_image:
        from sparring.build.image_to_image import build_translator  # which is built of what stands here

        return build_translator(recipe, shape, width)
    if not recipe.conditioning:
        return build_network(network, shape, z=z)
    if getattr(NETWORKS.get(network.name), "conditional", False):
        return build_network(network, shape, z=z, classes=width)
    return LabelledGenerator(build_network(network, shape, z=z + width), width)


def build_critic(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    added = selected_methods(recipe)
    shown = width if any(method.class_in_input for method in added) else 0
    if NETWORKS.get(recipe.critic.name) is CoupledCritic and (recipe.pack > 1 or shown):
        raise UserError(f"{recipe.critic.name} judges each image of a pair by itself: leave pack and conditioning out")
    own = {"classes": width} if any(method.class_in_network for method in added) else {}
    net = build_network(recipe.critic, (recipe.pack * (shape[0] + shown), *shape[1:]), **own)
    if shown:
        net = LabelledCritic(net, width)
    parts = [[part for method in added for part in getattr(method, kind)] for kind in ("heads", "additions")]
    return with_heads(recipe, net, shape, width, *parts) if any(parts) else net


def with_heads(
    recipe: Recipe,
    net: nn.Module,
    shape: Shape,
    width: int,
    heads: Sequence[HeadFactory],
    additions: Sequence[HeadFactory],
) -> nn.Module:
    """The critic that tells and adds these of its features. Raises UserError for one that has none."""
    layered = net.net if isinstance(net, LabelledCritic) else net
    if not isinstance(layered, LayeredCritic):
        raise UserError(f"{recipe.critic.name} is no critic with features: take another for this recipe")
    given = [torch.zeros(2, recipe.pack * width)] if recipe.conditional else []
    features = feature_width(net, (recipe.pack * shape[0], *shape[1:]), *given)  # pyright: ignore[reportArgumentType]
    fit = BuildContext(recipe, width)
    built = [[part(features, fit) for part in parts] for parts in (heads, additions)]
    return HeadedCritic(net, *built)  # pyright: ignore[reportArgumentType]


def build_objective(recipe: Recipe) -> Objective | TopK:
    wanted = lookup(OBJECTIVES, "objective", recipe.objective)
    if recipe.smoothing:
        wanted = one_sided_label_smoothing(wanted, recipe.smoothing)
    if not all(0 < share <= 1 for share in _ends(recipe, recipe.top_k)):
        raise UserError(f"top-k is {recipe.top_k}: it is a share of the batch, above 0 and at most 1")
    return TopK(wanted, ScheduledBuffer(partial(at, recipe.top_k))) if recipe.top_k != 1.0 else wanted


def build_augmentation(recipe: Recipe) -> Augment | None:
    if recipe.augment and recipe.medium not in ("image", "pair"):
        raise UserError(f"only images are augmented, and {recipe.name} makes {recipe.medium}s: leave augment out")
    if not 0 <= recipe.augment_target < 1:
        raise UserError(f"augment-target is {recipe.augment_target}: it is above 0 and below 1, or 0 for none")
    if not all(0 <= p <= 1 for p in _ends(recipe, recipe.augment_p)):
        raise UserError(f"augment-p is {recipe.augment_p}: a probability is 0 to 1")
    if recipe.augment and recipe.augment_target and uses_logit_differences(OBJECTIVES[recipe.objective]):
        raise UserError(
            f"augment-target is of the sign of D(x), which says nothing in a {recipe.objective} game: "
            "take a schedule, --augment-p"
        )
    p = (
        Adaptive(recipe.augment_target, pack=recipe.pack)
        if recipe.augment_target
        else ScheduledBuffer(partial(at, recipe.augment_p))
    )
    return Augment(recipe.augment, p) if recipe.augment else None


def reject_options(recipe: Recipe, *names: str) -> None:
    """Raises UserError where one of these is set, which only the two-player game has."""
    plain = {f.name: f.default for f in fields(Recipe)}
    for name in names:
        if getattr(recipe, name) != plain[name]:
            raise UserError(f"{recipe.name} plays {recipe.plays}, which has no {name}: leave {name} out")


def build_encoder(recipe: Recipe, shape: Shape) -> nn.Module | None:
    """The encoder, if the recipe has one."""
    return recipe.encoder and build_network(recipe.encoder, shape, z=recipe.latent_dim)


def build_pair_critic(recipe: Recipe, shape: Shape) -> nn.Module:
    """The critic of examples with their latents."""
    return build_network(recipe.critic, shape, z=recipe.latent_dim)


def gan_options(recipe: Recipe, G: nn.Module, D: nn.Module, width: int) -> dict[str, Any]:
    """What every kind of GAN takes beside its players and the objective."""
    fit, added = BuildContext(recipe, width), selected_methods(recipe)
    return {
        "penalties": [lookup(PENALTIES, "penalty", name) for name in recipe.penalties],
        "latents": {"z": build_prior(recipe, G)},
        "conditional": bool(recipe.conditioning),
        "critic_terms": [wanted(D, fit) for method in added for wanted in method.of_critic],
        "generator_terms": [wanted(G, fit) for method in added for wanted in method.of_generator],
        "generator_penalties": [wanted(G, fit) for method in added for wanted in method.generator_penalties],
        "generator_penalty_every": recipe.generator_penalty_every,
        "critic_steps": recipe.critic_steps,
        "fresh": recipe.fresh,
        "penalty_every": recipe.penalty_every,
        "clip": recipe.clip,
        "sight": CriticInput(
            partial(at, recipe.noise) if recipe.noise else None, build_augmentation(recipe), recipe.pack
        ),
    }
