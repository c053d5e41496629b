"""Options of the games whose generator starts from a latent, and how their critics are built."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from torch import nn

from sparring.augment import Adaptive, Augment
from sparring.errors import UserError
from sparring.errors.bounds import Bounds
from sparring.game import Game, ScheduledBuffer
from sparring.games.gan import GAN, GANOptions
from sparring.games.shared.critic_input import CriticInput
from sparring.games.shared.methods import HeadFactory, Method, selected_conditioning
from sparring.games.shared.options import Count, GameContext
from sparring.games.unrolled import UnrolledGAN
from sparring.losses.objectives import OBJECTIVES, uses_logit_differences
from sparring.networks import NETWORKS
from sparring.networks.coupled import CoupledCritic
from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.heads import HeadedCritic, feature_width
from sparring.networks.layers.labels import LabelledCritic, LabelledGenerator
from sparring.schedules import Number, at

Probability = Annotated[Number, Bounds(0, 1)]


@dataclass(frozen=True)
class LatentGANOptions(GANOptions):
    noise: Annotated[Number, Bounds(0)] = 0.0
    """σ of the Gaussian noise on the critic's inputs, real and fake; a schedule anneals it."""

    def critic_input(self, context: GameContext) -> CriticInput:
        return CriticInput(partial(at, self.noise) if self.noise else None)

    def gan_arguments(self, context: GameContext, G: nn.Module, D: nn.Module) -> dict[str, Any]:
        return super().gan_arguments(context, G, D) | {"latents": {"z": context.prior(G)}}


@dataclass(frozen=True)
class AugmentedGANOptions(LatentGANOptions):
    augment: tuple[str, ...] = ()
    """Augmentations of the critic's inputs: names of `sparring.augment`, each applied"""
    augment_p: Probability = 1.0
    """with this probability, or"""
    augment_target: Annotated[float, Bounds(0, 1, open_high=True)] = 0.0
    """above 0, with one that keeps r_t at this target (ADA)."""
    pack: Count = 1
    """Examples that the critic sees at once (PacGAN)."""

    def critic_input(self, context: GameContext) -> CriticInput:
        noise = partial(at, self.noise) if self.noise else None
        return CriticInput(noise, self._augmentation(context), self.pack)

    def _augmentation(self, context: GameContext) -> Augment | None:
        if not self.augment:
            return None
        if len(context.shape) != 3:
            raise UserError(f"only images are augmented, and {context.recipe} makes no images: leave augment out")
        if self.augment_target and uses_logit_differences(OBJECTIVES[self.objective]):
            raise UserError(
                f"augment-target is of the sign of D(x), which has no meaning in a {self.objective} game: "
                "use a schedule, --augment-p"
            )
        adaptive = self.augment_target > 0
        p = Adaptive(self.augment_target, pack=self.pack) if adaptive else ScheduledBuffer(partial(at, self.augment_p))
        return Augment(self.augment, p)

    def build_critic(self, context: GameContext) -> nn.Module:
        """The user's critic; or the recipe's, with the inputs and the heads that the methods need."""
        if "D" in context.networks:
            return context.networks["D"]
        methods = self.selected_methods(context)
        planes = context.classes if any(method.class_in_input for method in methods) else 0
        name = context.choices["D"].name
        if NETWORKS.get(name) is CoupledCritic and (self.pack > 1 or planes):
            raise UserError(f"{name} judges each image of a pair by itself: leave pack and conditioning out")
        numbers = {"classes": context.classes} if any(method.class_in_network for method in methods) else {}
        channels, *sides = context.shape
        net = context.player("D", (self.pack * (channels + planes), *sides), **numbers)
        net = LabelledCritic(net, context.classes) if planes else net
        heads = [new for method in methods for new in method.heads]
        additions = [new for method in methods for new in method.additions]
        return with_heads(context, net, heads, additions, self.pack) if heads or additions else net


def with_heads(
    context: GameContext,
    net: nn.Module,
    heads: Sequence[HeadFactory],
    additions: Sequence[HeadFactory] = (),
    pack: int = 1,
) -> nn.Module:
    """A critic with heads on its features. Raises UserError for one that has no features."""
    layered = net.net if isinstance(net, LabelledCritic) else net
    if not isinstance(layered, LayeredCritic):
        raise UserError(f"{context.choices['D'].name} is no critic with features: take another for this recipe")
    condition = [torch.zeros(2, pack * context.classes)] if context.conditional else []
    channels, *sides = context.shape
    width = feature_width(net, (pack * channels, *sides), *condition)  # pyright: ignore[reportArgumentType]
    built = [[new(width, context) for new in factories] for factories in (heads, additions)]
    return HeadedCritic(net, *built)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class TwoPlayerOptions(AugmentedGANOptions):
    """The game `gan`: of a latent, and of classes or attributes with a `conditioning`."""

    conditioning: str = ""
    """How the critic uses the class of an example: a name of `shared/methods.py`. With one, the generator takes the
    class too."""
    unroll: Annotated[int, Bounds(0)] = 0
    """Steps of the critic that the generator looks ahead."""
    unroll_rate: float = 0.01
    """Learning rate of these steps."""

    @property
    def conditional(self) -> bool:
        return bool(self.conditioning)

    def selected_methods(self, context: GameContext) -> list[Method]:
        methods = [*selected_conditioning(self.conditioning, context), *super().selected_methods(context)]
        if self.pack > 1 and any(method.single_example for method in methods):
            raise UserError(
                "a critic can't predict the class or the codes of a pack: set pack to 1, or leave that method out"
            )
        return methods

    def build_generator(self, context: GameContext) -> nn.Module:
        """Networks with `conditional = True` take `classes`; others get the class appended to z."""
        name, z, classes = context.choices["G"].name, context.latent_dim, context.classes
        if "G" in context.networks or not self.conditional:
            return context.player("G", z=z)
        if getattr(NETWORKS.get(name), "conditional", False):
            return context.player("G", z=z, classes=classes)
        return LabelledGenerator(context.player("G", z=z + classes), classes)

    def build(self, context: GameContext) -> Game:
        G, D = self.build_generator(context), self.build_critic(context)
        arguments = self.gan_arguments(context, G, D)
        if self.unroll:
            return UnrolledGAN(G, D, self.build_objective(), steps=self.unroll, rate=self.unroll_rate, **arguments)
        return GAN(G, D, self.build_objective(), **arguments)
