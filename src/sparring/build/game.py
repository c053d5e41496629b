"""The games a recipe can play, built of its players and options. The dict is the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import nn

from sparring.build.image_to_image import IMAGE_TO_IMAGE_GAMES, Networks
from sparring.build.networks import (
    build_critic,
    build_encoder,
    build_generator,
    build_objective,
    build_pair_critic,
    build_prior,
    check_bounds,
    gan_options,
    reject_options,
    selected_methods,
    with_heads,
)
from sparring.errors import UserError, lookup, one_line
from sparring.game import Game, Round
from sparring.games.ali import ALI
from sparring.games.encoder import EncoderGAN
from sparring.games.gan import GAN
from sparring.games.progressive import ProgressiveGAN, grown_after
from sparring.games.unrolled import UnrolledGAN
from sparring.games.vaegan import VAEGAN
from sparring.networks.layers.heads import StandardisedFeatures
from sparring.networks.progan import Grown
from sparring.priors import normal
from sparring.recipes.recipe import Network, Recipe, Shape


def _gan(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> GAN:
    G = networks.get("G") or build_generator(recipe, shape, width)
    D = networks.get("D") or build_critic(recipe, shape, width)
    kind = partial(UnrolledGAN, steps=recipe.unroll, rate=recipe.unroll_rate) if recipe.unroll else GAN
    return kind(G, D, build_objective(recipe), **gan_options(recipe, G, D, width))


def _progressive(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> GAN:
    reject_options(recipe, "conditioning", "unroll")
    if recipe.phase < 1:
        raise UserError(f"phase is {recipe.phase}: images of a size come first, 1 or more")
    G = _grown(networks.get("G") or build_generator(recipe, shape), recipe.generator)
    D = _grown(networks.get("D") or build_critic(recipe, shape), recipe.critic)
    stage = partial(grown_after, phase=recipe.phase)
    return ProgressiveGAN(G, D, build_objective(recipe), stage=stage, **gan_options(recipe, G, D, width))


def _grown(player: nn.Module, network: Network) -> Grown:
    if not isinstance(player, Grown):
        raise UserError(f"{network.name} does not grow: take one that does (progan-generator, progan-critic)")
    return player


def _feature_critic(recipe: Recipe, shape: Shape) -> nn.Module:
    return with_heads(recipe, build_critic(recipe, shape), shape, 0, [lambda width, fit: StandardisedFeatures()], [])


def _encoded(
    kind: type[EncoderGAN],
    critic: Callable[[Recipe, Shape], nn.Module],
    told: tuple[int, ...],
    unsuited: tuple[str, ...] = (),
) -> Callable[..., GAN]:
    """Builds games of this kind.

    Args:
        told: how many numbers E may tell for each of the latent's.
        unsuited: penalties that can't look at what its critic sees.
    """

    def build(recipe: Recipe, shape: Shape, networks: Networks, width: int) -> GAN:
        reject_options(recipe, "conditioning", "categories", "codes", "pack", "unroll", "augment")
        if wrong := [name for name in recipe.penalties if name in unsuited]:
            raise UserError(f"{wrong[0]} does not look at what the critic of {recipe.plays} sees: take another penalty")
        G = networks.get("G") or build_generator(recipe, shape)
        E = networks.get("E") or build_encoder(recipe, shape)
        if E is None:
            raise UserError(f"{recipe.name} plays {recipe.plays}, which has an encoder: name one in the recipe")
        D = networks.get("D") or critic(recipe, shape)
        _check_encoder(E, recipe, shape, told)
        given = gan_options(recipe, G, D, width)
        given["latents"] = {"z": build_prior(recipe, G), "e": normal(recipe.latent_dim)}
        return kind(G, E, D, build_objective(recipe), **given)

    return build


GAMES: dict[str, Callable[[Recipe, Shape, Networks, int], Game]] = {
    "gan": _gan,
    "progressive": _progressive,
    "ali": _encoded(ALI, build_pair_critic, told=(1, 2), unsuited=("dragan",)),
    "vae-gan": _encoded(VAEGAN, _feature_critic, told=(2,)),
    **IMAGE_TO_IMAGE_GAMES,
}


def build_game(
    recipe: Recipe, shape: Shape, networks: Mapping[str, nn.Module] = {}, classes: int = 0, attributes: int = 0
) -> Game:
    """The recipe's game for examples of this shape.

    Args:
        networks: players to use instead of the recipe's own: G maps (n, z) to (n, *shape), D (n, *shape) to logits;
            if the recipe is conditional, both take the classes (n,) or attributes (n, k) too. Where there is an
            encoder, E maps (n, *shape) to (n, z) or (n, 2z), and the D of `ali` takes pairs ((n, *shape), (n, z)).
        classes, attributes: how many there are; one of them 0.

    Raises:
        UserError: an unknown network, one that does not fit the shape, or no classes for a conditional recipe.
    """
    if recipe.conditional and not (classes or attributes):
        raise UserError(f"{recipe.name} learns by class, but the data has no classes")
    check_bounds(recipe)
    if attributes and any(
        method.conditional and not (method.class_in_input or method.class_in_network)
        for method in selected_methods(recipe)
    ):
        raise UserError(f"'{recipe.conditioning}' is of classes, but the data has attributes: --conditioning input")
    game = lookup(GAMES, "game", recipe.plays)(recipe, shape, networks, classes or attributes)
    if networks and recipe.is_image_to_image and not recipe.damage:
        raise UserError(f"{recipe.name} takes no networks of your own: only recipes that undo damage do")
    if networks:
        check(game, recipe, shape, attributes)
    return game


def _check_encoder(E: nn.Module, recipe: Recipe, shape: Shape, told: tuple[int, ...]) -> None:
    """Raises UserError for an encoder that tells something else than `told` numbers for each of the latent's."""
    was_training, like = E.training, next(E.parameters(), torch.zeros(()))
    with torch.no_grad():
        try:
            answer = tuple(E.eval()(torch.zeros(2, *shape).to(like)).shape)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"E does not take examples (n, {_listed(shape)}): {one_line(error)}") from None
    E.train(was_training)
    if answer not in [(2, n * recipe.latent_dim) for n in told]:
        wanted = " or ".join(f"(n, {n * recipe.latent_dim})" for n in told)
        raise UserError(f"E tells (n, {_listed(answer[1:])}), but {recipe.plays} wants {wanted}")


def check(game: Game, recipe: Recipe, shape: Shape, attributes: int) -> None:
    """Raises UserError when the user's own networks do not fit the data, by trying them on a few examples."""
    like, n = next(game.parameters()), 2 * recipe.pack
    y = torch.zeros(n, attributes) if attributes else torch.zeros(n, dtype=torch.long)
    real, given = torch.zeros(n, *shape).to(like), y if recipe.conditioning else None
    g = torch.Generator(like.device).manual_seed(0)
    latent = {name: draw(n, shape, g).to(like) for name, draw in game.latents.items()}
    latent |= {name: draw(n, shape, g) for turn in game.turns(0) for name, draw in turn.draws.items()}
    game.eval()
    with torch.no_grad():
        round = game.preprocess_round(Round(real, given, latent))
        try:
            made = game.generate(round)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"G does not take latents (n, {recipe.latent_dim}): {one_line(error)}") from None
        for fake in made if isinstance(made, tuple) else (made,):
            if tuple(fake.shape[1:]) != shape:
                raise UserError(f"G makes {tuple(fake.shape[1:])}, but the data is {shape}")
    for turn in game.turns(0):
        try:
            turn.loss(Round(round.real, round.condition, latent, made))
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"D does not take (n, {_listed(shape)}) as {recipe.plays} shows them: {one_line(error)}"
            ) from None


def _listed(shape: Shape) -> str:
    return ", ".join(map(str, shape))
