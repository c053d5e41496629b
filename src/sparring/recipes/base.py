"""A recipe: the names and numbers of one paper's networks, game and optimisers. Importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sparring.errors import UserError, nearest, one_line
from sparring.training.schedules import Number

if TYPE_CHECKING:
    from torch import nn

    from sparring.games.gan import GAN
    from sparring.training.loop import Settings

Shape = tuple[int, int, int]
"""Channels, height, width."""


@dataclass(frozen=True)
class Network:
    """An entry of `sparring.networks.NETWORKS` and its numbers."""

    name: str
    numbers: Mapping[str, int | float | list[int]] = field(default_factory=dict)

    def build(self, shape: Shape) -> nn.Module:
        """Raises UserError for a name that is not there, numbers it does not take, and a shape it can't make."""
        from sparring.networks import NETWORKS

        if self.name not in NETWORKS:
            raise UserError(f"no network '{self.name}'{nearest(self.name, NETWORKS)}; there are: {', '.join(NETWORKS)}")
        try:
            return NETWORKS[self.name](shape=shape, **self.numbers)
        except (TypeError, RuntimeError) as error:
            raise UserError(f"{self.name} can't be built with {dict(self.numbers)}: {one_line(error)}") from None


@dataclass(frozen=True)
class Recipe:
    name: str
    paper: str
    about: str
    generator: Network
    critic: Network
    objective: str = "non-saturating"
    penalties: tuple[str, ...] = ()
    weights: Mapping[str, Number] = field(default_factory=dict)
    """Of the loss parts, by name; the others weigh 1."""
    z: int = 100
    critic_steps: int = 1
    fresh: bool = False
    penalty_every: int = 1
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

    def new_generator(self, shape: Shape) -> nn.Module:
        """The generator for latents of this recipe's size."""
        return replace(self.generator, numbers={**self.generator.numbers, "z": self.z}).build(shape)

    def game(self, shape: Shape) -> GAN:
        from sparring.games.gan import GAN, normal
        from sparring.objectives import OBJECTIVES
        from sparring.penalties import PENALTIES

        return GAN(
            self.new_generator(shape),
            self.critic.build(shape),
            OBJECTIVES[self.objective],
            [PENALTIES[name] for name in self.penalties],
            latents={"z": normal(self.z)},
            critic_steps=self.critic_steps,
            fresh=self.fresh,
            penalty_every=self.penalty_every,
        )

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
