"""A critic of pairs: (x, E(x)) against (G(z), z). ALI: Dumoulin et al. 2017 (arXiv:1606.00704), with a stochastic
encoder, (n, 2·dim); BiGAN: Donahue et al. 2017 (arXiv:1605.09782), with a deterministic one, (n, dim)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sparring.errors import UserError
from sparring.game import Game, LossTerm, Parts, Round, Sample, Turn, Verdict
from sparring.games.encoder import EncoderGAN, EncoderGANOptions, reparameterise
from sparring.games.gan import GeneratorTurn
from sparring.games.shared.options import GameContext
from sparring.losses.objectives import Objective, TopK


class ALI(EncoderGAN):
    """G and E against a critic of pairs.

    Args:
        D: (x (n, …), z (n, dim)) → logits (n, 1).
        options: those of `GAN`, without packs and conditions. Noise is added to examples, not to latents.
    """

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return GeneratorEncoderTurn(self, terms, objective)

    def verdict(self, round: Round, critic=None) -> Verdict:
        of_x, z = super().verdict(round, critic), round.latent["z"]

        def regenerate(latent: Mapping[str, Tensor]) -> Sample:
            return _pair(of_x.regenerate(latent), latent.get("z", z))

        real = _pair(of_x.real, reparameterise(self.posterior(round), round.latent["e"]))
        return Verdict(of_x.critic, real, _pair(of_x.fake, z), of_x.draws, None, of_x.latent, regenerate)


def _pair(x: Sample, z: Tensor) -> Sample:
    assert isinstance(x, Tensor)
    return x, z


class GeneratorEncoderTurn(GeneratorTurn):
    """G learns to have its pairs classified as real, E to have the real pairs classified as fake."""

    name, learns = "makers", ("G", "E")

    def loss(self, round: Round) -> Parts:
        verdict = self.generator_verdict(round)
        parts = self.objective.generator(verdict) | self.objective.encoder(verdict)
        return parts | self.term_losses(round, verdict)


@dataclass(frozen=True)
class ALIOptions(EncoderGANOptions):
    def build(self, context: GameContext) -> Game:
        if "dragan" in self.penalties:
            raise UserError(f"the penalty dragan is not defined on the pairs of {context.game}: use another penalty")
        G, E = self.build_generator(context), self.build_encoder(context)
        D = context.player("D", z=context.latent_dim)
        self.check_encoder(E, context)
        return ALI(G, E, D, self.build_objective(), **self.gan_arguments(context, G, D))
