"""A critic of pairs: (x, E(x)) against (G(z), z). ALI: Dumoulin et al. 2017 (arXiv:1606.00704), whose encoder is
stochastic; BiGAN: Donahue et al. 2017 (arXiv:1605.09782), whose encoder is not. Which it is, E's answer says."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from sparring.game import LossTerm, Parts, Round, Sample, Turn, Verdict
from sparring.games.encoder import EncoderGAN, reparameterise
from sparring.games.gan import GeneratorTurn
from sparring.losses.objectives import Objective, TopK


class ALI(EncoderGAN):
    """G and E against a critic of pairs.

    Args:
        D: (x (n, …), z (n, dim)) → logits (n, 1).
        options: as `GAN` takes them, but for packs and conditions. Noise blurs the examples, not the latents.
    """

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        return GeneratorEncoderTurn(self, objective, terms)

    def verdict(self, round: Round, critic=None) -> Verdict:
        alone, z = super().verdict(round, critic), round.latent["z"]

        def again(latent: Mapping[str, Tensor]) -> Sample:
            return _pair(alone.regenerate(latent), latent.get("z", z))

        real = _pair(alone.real, reparameterise(self.posterior(round), round.latent["e"]))
        return Verdict(alone.critic, real, _pair(alone.fake, z), alone.draws, None, alone.latent, again)


def _pair(x: Sample, z: Tensor) -> Sample:
    assert isinstance(x, Tensor)
    return x, z


class GeneratorEncoderTurn(GeneratorTurn):
    """G learns to have its pairs taken for real, E to have the real ones taken for fake."""

    name, learns = "makers", ("G", "E")

    def loss(self, round: Round) -> Parts:
        verdict = self.generator_verdict(round)
        return self.wanted.generator(verdict) | self.wanted.encoder(verdict) | self.term_losses(round, verdict)
