"""A recipe: the names and numbers of one paper's networks, game and optimisers. Importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from sparring.errors import UserError, nearest, one_line
from sparring.training.schedules import Number, at

if TYPE_CHECKING:
    from torch import nn

    from sparring.games.gan import GAN
    from sparring.recipes.conditioning import Conditioning
    from sparring.training.loop import Settings

Shape = tuple[int, ...]
"""Of one example: an image's channels, height, width; the dimensions of a point."""


FOREIGN = "yours: "
"""Before the class name of a network that is the user's own."""


@dataclass(frozen=True)
class Network:
    """An entry of `sparring.networks.NETWORKS` and its numbers."""

    name: str
    numbers: Mapping[str, int | float | str | list[int]] = field(default_factory=dict)
    """Or names, such as a norm's."""

    def build(self, shape: Shape) -> nn.Module:
        """Raises UserError for a name that is not there, numbers it does not take, and a shape it can't make."""
        from sparring.networks import NETWORKS

        if self.name.startswith(FOREIGN):
            raise UserError(
                f"the network {self.name.removeprefix(FOREIGN)} is not the library's: "
                "hand it over from Python, as networks={'G': …, 'D': …}"
            )
        if self.name not in NETWORKS:
            raise UserError(f"no network '{self.name}'{nearest(self.name, NETWORKS)}; there are: {', '.join(NETWORKS)}")
        try:
            return NETWORKS[self.name](shape=shape, **self.numbers)
        except KeyError as error:
            raise UserError(f"{self.name} knows no {error} of {dict(self.numbers)}") from None
        except (TypeError, RuntimeError) as error:
            raise UserError(f"{self.name} can't be built with {dict(self.numbers)}: {one_line(error)}") from None


@dataclass(frozen=True)
class Recipe:
    name: str
    paper: str
    about: str
    generator: Network
    critic: Network
    medium: str = "image"
    """What it makes: a name of `sparring.data.media.MEDIA`."""
    conditional: bool = False
    """Generator and critic are given the class of each example."""
    conditioning: str = "input"
    """How a conditional recipe's critic meets the class: a name of `sparring.recipes.conditioning.CONDITIONING`."""
    objective: str = "non-saturating"
    penalties: tuple[str, ...] = ()
    weights: Mapping[str, Number] = field(default_factory=dict)
    """Of the loss parts, by name; the others weigh 1."""
    z: int = 100
    critic_steps: int = 1
    fresh: bool = False
    penalty_every: int = 1
    clip: float = 0.0
    """Above 0, the critic's weights are kept within ±clip."""
    smoothing: float = 0.0
    """One-sided label smoothing: the share by which real examples count as fake."""
    noise: Number = 0.0
    """σ of the Gaussian noise the critic sees real and fake through; a schedule anneals it."""
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

    def new_generator(self, shape: Shape, classes: int = 0) -> nn.Module:
        """The generator for latents of this recipe's size, and for classes if it is conditional."""
        z = self.z + classes if self.conditional else self.z
        net = replace(self.generator, numbers={**self.generator.numbers, "z": z}).build(shape)
        if not self.conditional:
            return net
        from sparring.networks.labels import LabelledGenerator

        return LabelledGenerator(net, classes)

    def new_critic(self, shape: Shape, classes: int = 0) -> nn.Module:
        if not self.conditional:
            return self.critic.build(shape)
        return self._conditioning().critic(self.critic, shape, classes)

    def _conditioning(self) -> Conditioning:
        from sparring.recipes.conditioning import CONDITIONING

        if self.conditioning not in CONDITIONING:
            near, there = nearest(self.conditioning, CONDITIONING), ", ".join(CONDITIONING)
            raise UserError(f"no conditioning '{self.conditioning}'{near}; there are: {there}")
        return CONDITIONING[self.conditioning]

    def of(self, networks: Mapping[str, nn.Module]) -> Recipe:
        """This recipe with the user's own networks, by player, noted by class name in the library's places."""
        if strange := sorted(set(networks) - {"G", "D"}):
            raise UserError(f"no player '{strange[0]}' in {self.name}: its players are G and D")
        foreign = {player: Network(FOREIGN + type(net).__name__) for player, net in networks.items()}
        return replace(self, generator=foreign.get("G", self.generator), critic=foreign.get("D", self.critic))

    def game(self, shape: Shape, networks: Mapping[str, nn.Module] = {}, classes: int = 0) -> GAN:
        """The game for examples of this shape.

        Args:
            networks: players to use instead of the recipe's own: G maps (n, z) to (n, *shape), D (n, *shape) to logits;
                if the recipe is conditional, both take the classes (n,) too.
            classes: how many there are.

        Raises:
            UserError: a network that is not there, or does not fit the shape; no classes for a conditional recipe.
        """
        from sparring.games.gan import GAN, normal
        from sparring.objectives import OBJECTIVES, smoothed
        from sparring.penalties import PENALTIES

        if self.conditional and not classes:
            raise UserError(f"{self.name} learns by class, but the data has no classes")
        objective = OBJECTIVES[self.objective]
        classed = self._conditioning() if self.conditional else None
        game = GAN(
            networks.get("G") or self.new_generator(shape, classes),
            networks.get("D") or self.new_critic(shape, classes),
            smoothed(objective, self.smoothing) if self.smoothing else objective,
            [PENALTIES[name] for name in self.penalties],
            latents={"z": normal(self.z)},
            conditional=self.conditional,
            critic_terms=classed.critic_terms if classed else (),
            generator_terms=classed.generator_terms if classed else (),
            critic_steps=self.critic_steps,
            fresh=self.fresh,
            penalty_every=self.penalty_every,
            clip=self.clip,
            noise=partial(at, self.noise) if self.noise else None,
        )
        if networks:
            self._check(game, shape)
        return game

    def _check(self, game: GAN, shape: Shape) -> None:
        """Raises UserError when the user's own networks do not fit the data, by trying them on two examples."""
        import torch

        from sparring.game import Verdict

        like, given = next(game.parameters()), [torch.zeros(2, dtype=torch.long)] if self.conditional else []
        with torch.no_grad():
            try:
                fake = game.players["G"].eval()(torch.zeros(2, self.z).to(like), *given)
            except (RuntimeError, TypeError, ValueError) as error:
                raise UserError(f"G does not take latents (n, {self.z}): {one_line(error)}") from None
            if tuple(fake.shape[1:]) != shape:
                raise UserError(f"G makes {tuple(fake.shape[1:])}, but the data is {shape}")
            x = torch.zeros(2, *shape).to(like)
            verdict = Verdict(lambda x: game.players["D"].eval()(x, *given), x, x, given=given[0] if given else None)
            try:
                verdict.on_real  # noqa: B018  computed when asked for
                for term in self._conditioning().critic_terms if self.conditional else ():
                    term(verdict)
            except (RuntimeError, TypeError, ValueError) as error:
                raise UserError(
                    f"D does not take examples (n, {', '.join(map(str, shape))}): {one_line(error)}"
                ) from None

    def settings(self, **machine) -> Settings:
        """How the loop is to play; `machine` says what is not the paper's business: seed, precision, slices."""
        from sparring.training.loop import Settings
        from sparring.training.optim import Adam

        def adam(lr: Number) -> Adam:
            return Adam(lr, self.beta1, self.beta2)

        return Settings(
            batch=self.batch,
            optimisers={"G": adam(self.lr), "D": adam(self.lr if self.critic_lr is None else self.critic_lr)},
            weights=self.weights,
            half_life=self.half_life,
            ramp=self.ramp,
            **machine,
        )
