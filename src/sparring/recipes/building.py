"""A recipe's players and game, from its names and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from sparring.errors import UserError, entry, one_line
from sparring.game import Dial, Round
from sparring.games.gan import GAN
from sparring.games.unrolled import UnrolledGAN
from sparring.networks.heads import HeadedCritic, width_of
from sparring.networks.labels import LabelledCritic, LabelledGenerator
from sparring.networks.layers import LayeredCritic
from sparring.objectives import OBJECTIVES, Objective, TopK, smoothed
from sparring.penalties import PENALTIES
from sparring.recipes.base import Recipe, Shape
from sparring.recipes.methods import METHODS, Fit, Method
from sparring.training.schedules import at


def methods(recipe: Recipe) -> list[Method]:
    """All that the recipe adds to the game. Raises UserError for names that are not there, or not in their place."""
    ways = {name: method for name, method in METHODS.items() if method.conditional}
    others = {name: method for name, method in METHODS.items() if not method.conditional}
    classed = [entry(ways, "conditioning", recipe.conditioning)] if recipe.conditioning else []
    if len({"codes" in recipe.methods, recipe.codes > 0, recipe.categories > 0}) > 1:
        raise UserError("the method 'codes' and the numbers categories and codes go together: set all three, or none")
    added = [*classed, *(entry(others, "method", name) for name in recipe.methods)]
    if recipe.pack < 1:
        raise UserError(f"pack is {recipe.pack}: it must be 1 or more")
    if recipe.pack > 1 and any(method.alone for method in added):
        raise UserError("a critic can't tell the class of a pack, nor its codes: leave pack at 1, or that method out")
    return added


def new_generator(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    """The generator for latents of this recipe's size, and for `width` classes or attributes if it is conditional."""
    given = width if recipe.conditioning else 0
    numbers = {**recipe.generator.numbers, "z": recipe.latent + given}
    net = replace(recipe.generator, numbers=numbers).build(shape)
    return LabelledGenerator(net, width) if recipe.conditioning else net


def new_critic(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    added = methods(recipe)
    shown = width if any(method.shown for method in added) else 0
    net = recipe.critic.build((recipe.pack * (shape[0] + shown), *shape[1:]))
    if shown:
        net = LabelledCritic(net, width)
    heads = [part for method in added for part in method.heads]
    additions = [part for method in added for part in method.additions]
    if not heads and not additions:
        return net
    return _headed(recipe, net, shape, width, heads, additions)


def _headed(recipe: Recipe, net: nn.Module, shape: Shape, width: int, heads: list, additions: list) -> nn.Module:
    layered = net.net if isinstance(net, LabelledCritic) else net
    if not isinstance(layered, LayeredCritic):
        raise UserError(f"{recipe.critic.name} is no critic with features: take another for this recipe")
    given = [torch.zeros(2, recipe.pack * width)] if isinstance(net, LabelledCritic) else []
    features = width_of(net, (recipe.pack * shape[0], *shape[1:]), *given)  # pyright: ignore[reportArgumentType]
    fit = Fit(recipe, width)
    built = [[part(features, fit) for part in parts] for parts in (heads, additions)]
    return HeadedCritic(net, *built)  # pyright: ignore[reportArgumentType]


def objective(recipe: Recipe) -> Objective | TopK:
    wanted = entry(OBJECTIVES, "objective", recipe.objective)
    if recipe.smoothing:
        wanted = smoothed(wanted, recipe.smoothing)
    if not 0 < at(recipe.top_k, recipe.images) <= 1:
        raise UserError(f"top-k is {recipe.top_k}: it is a share of the batch, above 0 and at most 1")
    return TopK(wanted, Dial(partial(at, recipe.top_k))) if recipe.top_k != 1.0 else wanted


def new_game(recipe: Recipe, shape: Shape, networks: Mapping[str, nn.Module], classes: int, attributes: int) -> GAN:
    width = classes or attributes
    if attributes and any(method.conditional and not method.shown for method in methods(recipe)):
        raise UserError(f"'{recipe.conditioning}' is of classes, but the data has attributes: --conditioning input")
    G = networks.get("G") or new_generator(recipe, shape, width)
    D = networks.get("D") or new_critic(recipe, shape, width)
    fit, added = Fit(recipe, width), methods(recipe)
    kind = partial(UnrolledGAN, steps=recipe.unroll, rate=recipe.unroll_rate) if recipe.unroll else GAN
    game = kind(
        G,
        D,
        objective(recipe),
        [entry(PENALTIES, "penalty", name) for name in recipe.penalties],
        latents={"z": recipe.prior()},
        conditional=bool(recipe.conditioning),
        critic_terms=[wanted(D, fit) for method in added for wanted in method.of_critic],
        generator_terms=[wanted(G, fit) for method in added for wanted in method.of_generator],
        critic_steps=recipe.critic_steps,
        fresh=recipe.fresh,
        penalty_every=recipe.penalty_every,
        clip=recipe.clip,
        noise=partial(at, recipe.noise) if recipe.noise else None,
        pack=recipe.pack,
    )
    if networks:
        check(game, recipe, shape, attributes)
    return game


def check(game: GAN, recipe: Recipe, shape: Shape, attributes: int) -> None:
    """Raises UserError when the user's own networks do not fit the data, by trying them on a few examples."""
    like, n = next(game.parameters()), 2 * recipe.pack
    y = torch.zeros(n, attributes) if attributes else torch.zeros(n, dtype=torch.long)
    given = [y] if recipe.conditioning else []
    game.eval()
    with torch.no_grad():
        try:
            fake = game.players["G"](torch.zeros(n, recipe.latent).to(like), *given)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"G does not take latents (n, {recipe.latent}): {one_line(error)}") from None
        if tuple(fake.shape[1:]) != shape:
            raise UserError(f"G makes {tuple(fake.shape[1:])}, but the data is {shape}")
    for turn in game.turns(0):
        g = torch.Generator(like.device).manual_seed(0)
        latent = {name: draw(n, shape, g) for name, draw in {**game.latents, **turn.draws}.items()}
        try:
            turn.loss(Round(torch.zeros(n, *shape).to(like), given[0] if given else None, latent, fake.to(like)))
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"D does not take examples (n, {', '.join(map(str, shape))}): {one_line(error)}") from None
