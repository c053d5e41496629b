"""What a game is built from: its options, a frozen dataclass in each game's file, and a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, get_type_hints

from torch import nn

from sparring.errors import UserError
from sparring.errors.bounds import Bounds
from sparring.game import Draw, Game
from sparring.networks.layers.discrete import noise_dims
from sparring.priors import latent_prior
from sparring.recipes.recipe import Network, Shape
from sparring.schedules import Number, at

Count = Annotated[int, Bounds(1)]
Share = Annotated[float, Bounds(0, 1)]


@dataclass(frozen=True)
class GameContext:
    """The recipe and the data that a game is built for.

    Args:
        recipe: its name, for messages.
        game: the game's name.
        shape: of one example.
        build: (network, shape, **numbers) → the network; `numbers` are those that follow from the rest of the recipe.
        choices: the recipe's networks by player: G, D, and E if there is one.
        networks: the user's own networks, by player.
        classes: how many classes or attributes the players take; 0 unless `conditional`.
        attributes: the condition of an example is a vector of attributes, not a class.
        z, categories, codes: sizes of the latent's parts.
        weights: of loss terms, by name.
    """

    recipe: str
    game: str
    shape: Shape
    build: Callable[..., nn.Module]
    choices: Mapping[str, Network]
    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    classes: int = 0
    conditional: bool = False
    attributes: bool = False
    z: int = 0
    categories: int = 0
    codes: int = 0
    weights: Mapping[str, Number] = field(default_factory=dict)

    @property
    def latent_dim(self) -> int:
        return self.z + self.categories + self.codes

    def player(self, name: str, shape: Shape | None = None, **numbers: Any) -> nn.Module:
        """The user's network for this player, or the recipe's for examples of this shape."""
        return self.networks.get(name) or self.build(self.choices[name], shape or self.shape, **numbers)

    def prior(self, G: nn.Module) -> Draw:
        """The distribution of the latent, and of the random inputs that G takes besides."""
        return latent_prior(self.z, self.categories, self.codes, noise_dims(G))


@dataclass(frozen=True)
class GameOptions:
    """What can be chosen about a game. The fields of a subclass are its flags, and a recipe's `game.options`."""

    accepts_networks: ClassVar[bool] = True
    """Whether users may replace players by networks of their own."""
    loss_terms: ClassVar[tuple[str, ...]] = ()
    """Names of the losses that the game itself adds, for `--weight.NAME`."""

    @property
    def conditional(self) -> bool:
        """Whether the players take the class or the attributes of an example."""
        return False

    def default_weights(self, context: GameContext) -> dict[str, float]:
        """Weights of loss terms other than 1, where the recipe has none of its own."""
        return {}

    def input_shape(self, context: GameContext) -> Shape:
        """Of the image that the generator takes; () in games that generate from latents alone."""
        return ()

    def build_generator(self, context: GameContext) -> nn.Module:
        return context.player("G", z=context.latent_dim)

    def build(self, context: GameContext) -> Game:
        """Raises UserError for options and networks that do not go together."""
        raise NotImplementedError


def check_options(options: GameOptions, images: int) -> None:
    """Raises UserError for an option outside its `Bounds` at the start or the end of a run of so many images."""
    hints = get_type_hints(type(options), include_extras=True)
    for f in fields(options):
        value = getattr(options, f.name)
        for bounds in (it for it in getattr(hints[f.name], "__metadata__", ()) if isinstance(it, Bounds)):
            if not (bounds.holds(at(value, 0)) and bounds.holds(at(value, images))):
                raise UserError(f"{f.name.replace('_', '-')} is {value}: it must be {bounds}")
