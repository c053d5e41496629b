"""The game of a recipe. A new game is a file in `sparring.games` and a line in `GAMES`."""

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from sparring.build.networks import build_network
from sparring.errors import UserError, did_you_mean, lookup, one_line
from sparring.game import Game, Round
from sparring.games.ali import ALIOptions
from sparring.games.cut import CUTOptions
from sparring.games.cyclegan import CycleGANOptions
from sparring.games.latent_gan import TwoPlayerOptions
from sparring.games.pix2pix import Pix2PixOptions
from sparring.games.progressive import ProgressiveOptions
from sparring.games.restoration import RestorationOptions
from sparring.games.shared.options import GameContext, GameOptions, check_options
from sparring.games.stargan import StarGANOptions
from sparring.games.vaegan import VAEGANOptions
from sparring.recipes.recipe import PLAYER_OF_FIELD, GameChoice, Recipe, Shape

GAMES: dict[str, type[GameOptions]] = {
    "gan": TwoPlayerOptions,
    "progressive": ProgressiveOptions,
    "ali": ALIOptions,
    "vae-gan": VAEGANOptions,
    "pix2pix": Pix2PixOptions,
    "restoration": RestorationOptions,
    "cyclegan": CycleGANOptions,
    "cut": CUTOptions,
    "stargan": StarGANOptions,
}


@cache
def _adapter(kind: type[GameOptions]) -> TypeAdapter[GameOptions]:
    return TypeAdapter(kind)


def game_options(recipe: Recipe) -> GameOptions:
    """All options of the recipe's game, with the defaults.

    Raises UserError for an unknown game or option, and for a value of the wrong type or out of bounds.
    """
    game, options = recipe.game.name, recipe.game.options
    kind = lookup(GAMES, "game", game)
    known = [f.name for f in fields(kind)]
    if unknown := next((name for name in options if name not in known), None):
        name = unknown.replace("_", "-")
        hint = did_you_mean(unknown, known)
        raise UserError(f"{one_line(recipe.name)} plays {game}, which has no {name}{hint}: leave {name} out")
    try:
        built = _adapter(kind).validate_python(dict(options))
    except ValidationError as error:
        wrong = error.errors()[0]
        raise UserError(f"{wrong['loc'][0]} is {one_line(wrong['input'])}: {wrong['msg']}".replace("_", "-")) from None
    check_options(built, recipe.images)
    return built


def with_all_options(recipe: Recipe) -> Recipe:
    """The recipe with the game's defaults written out, as run.json and model.json hold it. Raises UserError as
    `game_options` does."""
    options = game_options(recipe)
    return replace(
        recipe, game=GameChoice(recipe.game.name, {f.name: getattr(options, f.name) for f in fields(options)})
    )


def default_weights(recipe: Recipe) -> dict[str, float]:
    """Weights of loss terms by the papers of the recipe's methods. Raises UserError as `game_options` does."""
    options = game_options(recipe)
    return options.default_weights(_context(recipe, options))


def input_shape(recipe: Recipe, shape: Shape) -> Shape:
    """Of the image that the generator of images of this shape takes; () in games that generate from latents alone.

    Raises UserError for degradations that are not understood, or do not suit the shape.
    """
    options = game_options(recipe)
    return options.input_shape(_context(recipe, options, shape))


def build_generator(recipe: Recipe, shape: Shape, width: int = 0) -> nn.Module:
    """The generator of examples of this shape, for `width` classes or attributes if it is conditional."""
    options = game_options(recipe)
    return options.build_generator(_context(recipe, options, shape, classes=width))


def build_encoder(recipe: Recipe, shape: Shape) -> nn.Module | None:
    """The encoder, if the recipe has one."""
    return recipe.encoder and build_network(recipe.encoder, shape, z=recipe.latent_dim)


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
    options = game_options(recipe)
    if options.conditional and not (classes or attributes):
        raise UserError(f"{recipe.name} learns by class, but the data has no classes")
    if networks and not options.accepts_networks:
        raise UserError(f"{recipe.name} takes no networks of your own: {recipe.game.name} does not support them")
    context = _context(recipe, options, shape, networks, classes, attributes)
    game = options.build(context)
    if networks:
        check_networks(game, context)
    return game


def _context(
    recipe: Recipe,
    options: GameOptions,
    shape: Shape = (),
    networks: Mapping[str, nn.Module] = {},
    classes: int = 0,
    attributes: int = 0,
) -> GameContext:
    return GameContext(
        recipe=recipe.name,
        game=recipe.game.name,
        shape=tuple(shape),
        build=build_network,
        choices={PLAYER_OF_FIELD[name]: network for name, network in recipe.networks.items()},
        networks=networks,
        classes=(classes or attributes) if options.conditional else 0,
        attributes=bool(attributes),
        conditional=options.conditional,
        z=recipe.z,
        categories=recipe.categories,
        codes=recipe.codes,
        weights=recipe.weights,
    )


def check_networks(game: Game, context: GameContext) -> None:
    """Raises UserError when the user's own networks do not fit the data, by trying them on a few examples."""
    shape, turns = context.shape, game.turns(0)
    like, n = next(game.parameters()), 2 * max(turn.group_size for turn in turns)
    y = torch.zeros(n, context.classes) if context.attributes else torch.zeros(n, dtype=torch.long)
    real, condition = torch.zeros(n, *shape).to(like), y if context.conditional else None
    g = torch.Generator(like.device).manual_seed(0)
    latent = {name: draw(n, shape, g).to(like) for name, draw in game.latents.items()}
    latent |= {name: draw(n, shape, g) for turn in turns for name, draw in turn.draws.items()}
    game.eval()
    with torch.no_grad():
        round = game.preprocess_round(Round(real, condition, latent))
        try:
            fakes = game.generate(round)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"G does not take latents (n, {context.latent_dim}): {one_line(error)}") from None
        for fake in fakes if isinstance(fakes, tuple) else (fakes,):
            if tuple(fake.shape[1:]) != shape:
                raise UserError(f"G makes {tuple(fake.shape[1:])}, but the data is {shape}")
    for turn in turns:
        try:
            turn.loss(Round(round.real, round.condition, latent, fakes))
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            sides = ", ".join(map(str, shape))
            raise UserError(f"D does not take (n, {sides}) as {context.game} shows them: {one_line(error)}") from None
