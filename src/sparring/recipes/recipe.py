"""A recipe: the names and numbers of one paper's networks, game and optimisers. Importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

from sparring.errors import UserError
from sparring.schedules import Number, with_horizon

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]
"""Of one example: an image's channels, height, width; the dimensions of a point."""

USER_NETWORK_PREFIX = "yours: "
"""Precedes the class name of a user's own network."""
OPTIMISER_OF = {"E": "G", "F": "G", "H": "G", "C": "D"}
"""Further players, by the player whose optimiser settings they share."""
PLAYER_OF_FIELD = {"generator": "G", "critic": "D", "encoder": "E"}
"""Players by the field of their network."""

FORBID_EXTRA = {"extra": "forbid"}
"""pydantic's configuration: unknown fields are errors."""

Option = bool | int | Number | str | tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """An entry of `sparring.networks.NETWORKS` and its numbers."""

    __pydantic_config__ = FORBID_EXTRA

    name: str
    numbers: Mapping[str, int | float | str | list[int]] = field(default_factory=dict)
    """Or names, such as a norm's."""


@dataclass(frozen=True)
class GameChoice:
    """An entry of `sparring.build.game.GAMES` and those of its options that differ from the defaults."""

    __pydantic_config__ = FORBID_EXTRA

    name: str = "gan"
    options: Mapping[str, Option] = field(default_factory=dict)

    def with_options(self, **options: Option) -> GameChoice:
        return replace(self, options={**self.options, **options})


@dataclass(frozen=True)
class Recipe:
    __pydantic_config__ = FORBID_EXTRA
    name: str
    paper: str
    about: str
    generator: Network
    critic: Network
    encoder: Network | None = None
    """From examples to latents, in games that have one."""
    game: GameChoice = field(default_factory=GameChoice)
    modality: str = "image"
    """Of the examples: a name of `sparring.modalities.base.MEDIA`."""
    weights: Mapping[str, Number] = field(default_factory=dict)
    """Of loss terms, by name; the others weigh 1."""
    z: int = 100
    """Numbers of the latent from N(0, 1),"""
    categories: int = 0
    """then a one-hot category,"""
    codes: int = 0
    """then numbers from U[−1, 1]."""
    batch: int = 64
    images: int = 600_000
    """Images seen, unless the user says otherwise."""
    most_epochs: int = 0
    """Passes over the data after which a run of that default length ends, if it has not yet; 0: no limit."""
    lr: Number = 2e-4
    critic_lr: Number | None = None
    """Another rate for the critic (TTUR: Heusel et al. 2017, arXiv:1706.08500)."""
    beta1: Number = 0.5
    beta2: Number = 0.999
    ema_half_life: Number = 10_000
    """Of the averaged weights, in images; 0: no average."""
    ema_ramp: float = 0.05
    """The half-life is at most this share of the images seen; 0: no limit."""
    selection_metric: Literal["", "frechet"] = ""
    """The score that selects the best weights of an image-to-image model; by default the distance to the targets."""

    @property
    def conditional(self) -> bool:
        """Whether generator and critic take the class or the attributes of an example."""
        return bool(self.game.options.get("conditioning"))

    @property
    def penalties(self) -> tuple[str, ...]:
        """Gradient penalties of the critic; () in games without."""
        return tuple(self.game.options.get("penalties", ()))  # pyright: ignore[reportArgumentType]

    @property
    def degradations(self) -> tuple[str, ...]:
        """What restoration undoes; () in other games."""
        return tuple(self.game.options.get("degradations", ()))  # pyright: ignore[reportArgumentType]

    @property
    def latent_dim(self) -> int:
        """Size of the latent, without the random inputs of networks."""
        return self.z + self.categories + self.codes

    @property
    def networks(self) -> dict[str, Network]:
        """By field."""
        networks = {"generator": self.generator, "critic": self.critic, "encoder": self.encoder}
        return {name: network for name, network in networks.items() if network}

    def length(self, n: int) -> int:
        """Examples seen by default in training on n of them."""
        return min(self.images, self.most_epochs * n) if self.most_epochs else self.images

    def with_options(self, **options: Option) -> Recipe:
        """This recipe with other options of its game."""
        return replace(self, game=self.game.with_options(**options))

    def with_layout(self, layout: Mapping[str, list[int] | int]) -> Recipe:
        """This recipe for examples of this layout, which becomes numbers of the library's networks."""
        networks = self.networks.items() if layout else ()
        ours = {name: net for name, net in networks if not net.name.startswith(USER_NETWORK_PREFIX)}
        return replace(self, **{name: replace(net, numbers={**net.numbers, **layout}) for name, net in ours.items()})

    def with_horizon(self, images: int) -> Recipe:
        """This recipe for a run of so many images: schedules over the whole run get this length."""
        own = {f.name: with_horizon(getattr(self, f.name), images) for f in fields(self)}
        options = {name: with_horizon(value, images) for name, value in self.game.options.items()}  # pyright: ignore
        weights = {name: with_horizon(weight, images) for name, weight in self.weights.items()}
        return replace(self, **own | {"game": replace(self.game, options=options), "weights": weights})

    def with_networks(self, networks: Mapping[str, nn.Module]) -> Recipe:
        """This recipe with the class names of the user's own networks, by player. Raises UserError for an unknown
        player."""
        names = {PLAYER_OF_FIELD[name]: name for name in self.networks}
        if unknown := sorted(set(networks) - set(names)):
            raise UserError(f"no player '{unknown[0]}' in {self.name}: its players are {', '.join(names)}")
        own = {names[player]: Network(USER_NETWORK_PREFIX + type(net).__name__) for player, net in networks.items()}
        return replace(self, **own)
