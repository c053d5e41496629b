"""Translation between many domains by one generator that takes the target domain: Choi et al. 2018 (arXiv:1711.09020).
An example is an image, and its condition the domain it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from sparring.errors import UserError
from sparring.game import Game, LossTerm, Parts, Round, Sample, Turn, Verdict, l1_per_example
from sparring.games.gan import GeneratorTurn
from sparring.games.image_to_image import ImageToImageGAN, ImageToImageOptions
from sparring.games.shared.methods import Method, selected_conditioning
from sparring.games.shared.options import GameContext
from sparring.losses.objectives import Objective, TopK
from sparring.priors import uniform


class StarGAN(ImageToImageGAN):
    """
    Args:
        G: images x (n, …), target domains (n,) → images.
        D: images → a `CriticOutput` whose `class` are logits (n, domains).
        options: those of `GAN`; among the terms, D classifies real images, and G learns to have its own classified as
            the target domain: L_cls, eq. 2 and 3.
    """

    def __init__(self, G: nn.Module, D: nn.Module, objective: Objective | TopK, *args, domains: int, **options):
        super().__init__(G, D, objective, *args, latents={"domain": uniform()}, shows=False, **options)
        self.domains = domains

    def input(self, round: Round) -> Tensor:
        assert isinstance(round.real, Tensor)
        return round.real

    def target_domain(self, round: Round) -> Tensor:
        """The target domains c (n,) of this round, drawn from all of them."""
        return (round.latent["domain"] * self.domains).long()

    def generate(self, round: Round) -> Sample:
        return self.players["G"](self.input(round), self.target_domain(round))

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return DomainTurn(self, terms, objective)


class DomainTurn(GeneratorTurn):
    """G learns to pass for real in the target domain, and to map back: loss `cycle`, ‖x − G(G(x, c), c′)‖₁ with the
    domain c′ of x, eq. 4. Not in the paper: loss `identity`, ‖x − G(x, c′)‖₁ times the number of domains for images
    whose target is their own domain, zero for the others."""

    game: StarGAN

    def generator_verdict(self, round: Round) -> Verdict:
        verdict = super().generator_verdict(round)
        verdict.condition = self.game.target_domain(round)
        return verdict

    def loss(self, round: Round) -> Parts:
        game, x = self.game, self.game.input(round)
        assert isinstance(round.fake, Tensor) and round.condition is not None
        same_domain = (game.target_domain(round) == round.condition) * game.domains
        back = game.players["G"](round.fake, round.condition)
        return super().loss(round) | {
            "cycle": l1_per_example(back, x),
            "identity": same_domain * l1_per_example(round.fake, x),
        }


@dataclass(frozen=True)
class StarGANOptions(ImageToImageOptions):
    conditioning: str = "auxiliary"
    """The critic classifies images; a StarGAN knows no other conditioning."""

    loss_terms: ClassVar = (*ImageToImageOptions.loss_terms, "class", "cycle", "identity")

    @property
    def conditional(self) -> bool:
        return True

    def selected_methods(self, context: GameContext) -> list[Method]:
        return [*selected_conditioning(self.conditioning, context), *super().selected_methods(context)]

    def build(self, context: GameContext) -> Game:
        if self.conditioning != "auxiliary":
            raise UserError(f"{context.recipe}'s critic classifies images: leave conditioning at auxiliary")
        G, D = self.build_generator(context), context.player("D", classes=context.classes)
        arguments = self.gan_arguments(context, G, D)
        return StarGAN(G, D, self.build_objective(), domains=context.classes, **arguments)
