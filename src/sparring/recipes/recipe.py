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
"""Before the class name of a network that is the user's own."""
OPTIMISER_OF = {"E": "G", "F": "G", "H": "G", "C": "D"}
"""Further players, by the one whose optimiser theirs is like."""
PLAYER_OF_FIELD = {"generator": "G", "critic": "D", "encoder": "E"}
"""The players, by the fields that name their networks."""


FORBID_EXTRA = {"extra": "forbid"}
"""To pydantic: a file that says what the library does not know is refused, not half understood."""


@dataclass(frozen=True)
class Network:
    """An entry of `sparring.networks.NETWORKS` and its numbers."""

    __pydantic_config__ = FORBID_EXTRA

    name: str
    numbers: Mapping[str, int | float | str | list[int]] = field(default_factory=dict)
    """Or names, such as a norm's."""


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
    plays: str = "gan"
    """The game: a name of `sparring.build.game.GAMES`."""
    medium: str = "image"
    """What it makes: a name of `sparring.modalities.base.MEDIA`."""
    conditioning: str = ""
    """How the critic meets the class of an example: a name of `sparring.build.methods.METHODS`. With one, generator
    and critic are given the class."""
    methods: tuple[str, ...] = ()
    """What else is added to the game: names of the same."""
    objective: str = "non-saturating"
    penalties: tuple[str, ...] = ()
    weights: Mapping[str, Number] = field(default_factory=dict)
    """Of the loss parts, by name; the others weigh 1."""
    z: int = 100
    """Numbers of the latent from N(0, 1)."""
    categories: int = 0
    """Of a one-hot part of the latent behind them."""
    codes: int = 0
    """Numbers from U[−1, 1] behind these."""
    critic_steps: int = 1
    fresh: bool = False
    penalty_every: int = 1
    generator_penalty_every: int = 1
    clip: float = 0.0
    """Above 0, the critic's weights are kept within ±clip."""
    smoothing: float = 0.0
    """One-sided label smoothing: the share by which real examples count as fake."""
    noise: Number = 0.0
    """σ of the Gaussian noise the critic sees real and fake through; a schedule anneals it."""
    augment: tuple[str, ...] = ()
    """What the critic sees in place of examples, or what pairs of pictures become, both alike: names of
    `sparring.augment`, each"""
    augment_p: Number = 1.0
    """with this probability; or, where r_t has a target in (0, 1), with one that holds it there."""
    augment_target: float = 0.0
    top_k: Number = 1.0
    """The share of its fakes the generator learns from, those that fool the critic most."""
    pack: int = 1
    """Examples the critic sees at once (PacGAN)."""
    phase: int = 0
    """Images for which a size is played, and over which the next one is faded in, in games that grow."""
    unroll: int = 0
    """Steps of the critic that the generator looks ahead."""
    unroll_rate: float = 0.01
    damage: tuple[str, ...] = ()
    """What restoration learns to undo, step by step: see `sparring.degrade`."""
    warm_up: int = 0
    """Images for which a generator of pictures learns by the distance to the right answer alone."""
    leading: Literal["", "frechet"] = ""
    """The score that weights of pictures from pictures are chosen by; by default the distance to the right answers, by
    which a generator is the worse the more it invents."""
    pool: int = 50
    """Past fakes that CycleGAN's critics are shown."""
    places: int = 256
    """Of a picture, that CUT compares."""
    mirrors: bool = False
    """CUT's generator has half its pictures mirrored, and is to treat both alike."""
    batch: int = 64
    images: int = 600_000
    """Images seen, unless the user says otherwise."""
    lr: Number = 2e-4
    critic_lr: Number | None = None
    """Another rate for the critic (TTUR: Heusel et al. 2017, arXiv:1706.08500)."""
    beta1: Number = 0.5
    beta2: Number = 0.999
    half_life: Number = 10_000
    ramp: float = 0.05

    @property
    def conditional(self) -> bool:
        return bool(self.conditioning)

    @property
    def is_image_to_image(self) -> bool:
        """It makes pictures of pictures."""
        return self.medium == "pair"

    @property
    def latent_dim(self) -> int:
        """Numbers in all that a generator takes, but for those of chance."""
        return self.z + self.categories + self.codes

    @property
    def networks(self) -> dict[str, Network]:
        """By the name of their field."""
        own = {"generator": self.generator, "critic": self.critic, "encoder": self.encoder}
        return {side: network for side, network in own.items() if network}

    def with_layout(self, layout: Mapping[str, list[int] | int]) -> Recipe:
        """This recipe for examples made of these parts, of which its own networks are told."""
        sides = (
            {}
            if not layout
            else {s: net for s, net in self.networks.items() if not net.name.startswith(USER_NETWORK_PREFIX)}
        )
        told = {side: replace(net, numbers={**net.numbers, **layout}) for side, net in sides.items()}
        return replace(self, **told)

    def with_horizon(self, images: int) -> Recipe:
        """This recipe in a run of so many images, which its schedules of the whole run are over."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        spanned = {name: with_horizon(value, images) for name, value in plain.items()}
        weights = {name: with_horizon(weight, images) for name, weight in self.weights.items()}
        return replace(self, **(spanned | {"weights": weights}))

    def with_networks(self, networks: Mapping[str, nn.Module]) -> Recipe:
        """This recipe with the user's own networks, by player, noted by class name in the library's places."""
        sides = {PLAYER_OF_FIELD[side]: side for side in self.networks}
        if strange := sorted(set(networks) - set(sides)):
            raise UserError(f"no player '{strange[0]}' in {self.name}: its players are {', '.join(sides)}")
        return replace(
            self,
            **{sides[player]: Network(USER_NETWORK_PREFIX + type(net).__name__) for player, net in networks.items()},
        )
