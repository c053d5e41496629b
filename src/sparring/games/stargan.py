"""Pictures of many domains, by one generator that is told which one to go to: Choi et al. 2018 (arXiv:1711.09020). An
example is a picture, and what is given with it the domain it is of."""

from collections.abc import Sequence

from torch import Tensor, nn

from sparring.game import LossTerm, Parts, Round, Sample, Turn, Verdict, l1_per_example
from sparring.games.gan import GeneratorTurn
from sparring.games.image_to_image import ImageToImageGAN
from sparring.losses.objectives import Objective, TopK
from sparring.priors import uniform


class StarGAN(ImageToImageGAN):
    """
    Args:
        G: pictures x (n, …), and domains (n,) to move them to, → pictures.
        D: pictures → an `Opinion` whose `class` are logits (n, domains).
        options: as `GAN` takes them, with terms by which D tells the class of what is real, and G wants its own told as
            that which was asked for: L_cls, eq. 2 and 3.
    """

    def __init__(self, G: nn.Module, D: nn.Module, objective: Objective | TopK, *args, domains: int, **options):
        super().__init__(G, D, objective, *args, latents={"domain": uniform()}, shows=False, **options)
        self.domains = domains

    def input(self, round: Round) -> Tensor:
        assert isinstance(round.real, Tensor)
        return round.real

    def target_domain(self, round: Round) -> Tensor:
        """The domains c (n,) that pictures are moved to in this round: any, their own too."""
        return (round.latent["domain"] * self.domains).long()

    def generate(self, round: Round) -> Sample:
        return self.players["G"](self.input(round), self.target_domain(round))

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return DomainTurn(self, objective, terms)


class DomainTurn(GeneratorTurn):
    """G learns to pass for real, of the domain asked for, and to find the way back: part `cycle`, ‖x − G(G(x, c), c′)‖₁
    with the domain c′ that x is of, eq. 4. And not in the paper: pictures that are asked to stay where they are stay as
    they are, part `identity`, ‖x − G(x, c′)‖₁, zero for the others and as much more for these."""

    game: StarGAN

    def generator_verdict(self, round: Round) -> Verdict:
        verdict = super().generator_verdict(round)
        verdict.condition = self.game.target_domain(round)
        return verdict

    def loss(self, round: Round) -> Parts:
        game, x = self.game, self.game.input(round)
        assert isinstance(round.fake, Tensor) and round.condition is not None
        stay = (game.target_domain(round) == round.condition) * game.domains
        back = game.players["G"](round.fake, round.condition)
        return super().loss(round) | {
            "cycle": l1_per_example(back, x),
            "identity": stay * l1_per_example(round.fake, x),
        }
