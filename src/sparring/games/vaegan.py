"""A variational autoencoder whose errors are measured by a critic's features: Larsen et al. 2016 (arXiv:1512.09300)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.game import FunctionTerm, LossTerm, Parts, Round, Sample, Turn, Verdict, map_sample
from sparring.games.encoder import EncoderGAN, as_float32, kl_to_standard_normal, reparameterise
from sparring.losses.auxiliary import critic_output
from sparring.losses.objectives import Objective, TopK


def unlikeness(verdict: Verdict) -> Tensor:
    """½‖f(x) − f(x̃)‖², f the critic's features: −log N(f(x); f(x̃), I) up to a constant, (n,). Section 3.2, eq. 7."""
    f, g = (as_float32(critic_output(opinion, "features")) for opinion in (verdict.output_real, verdict.output_fake))
    return (f - g).square().flatten(1).sum(1) / 2


def _of_reconstructions(verdict: Verdict) -> Tensor:
    return unlikeness(verdict).chunk(2)[1]


class VAEGAN(EncoderGAN):
    """E learns the autoencoder's two parts, `kl` and `encoded`; G `decoded`, its share of the latter, and the GAN's.

    D judges every real example twice: beside a sample, and beside its own reconstruction. What comes of that are two
    turns for algorithm 1 of the paper, in which E learns nothing of the GAN's loss; γ is the weight of `decoded`.

    Args:
        E: x → (n, 2·dim), μ and log σ².
        D: x → `Opinion` with features.
        options: as `GAN` takes them, but for packs and conditions.
    """

    def __init__(
        self,
        G: nn.Module,
        E: nn.Module,
        D: nn.Module,
        objective: Objective | TopK,
        penalties: Sequence[LossTerm] = (),
        *,
        generator_terms: Sequence[LossTerm] = (),
        **options,
    ):
        terms = [*generator_terms, FunctionTerm("decoded", _of_reconstructions)]
        super().__init__(G, E, D, objective, penalties, generator_terms=terms, **options)
        self._turns.append(EncoderTurn(self))

    def generate(self, round: Round) -> Sample:
        """Samples (n, …), and reconstructions (n, …)."""
        return self.made(round, self.posterior(round))

    def made(self, round: Round, told: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what E told. In one batch, for G's batch norm must see both alike: it serves samples later."""
        n, z = len(told), torch.cat([round.latent["z"], reparameterise(told, round.latent["e"])])
        samples, reconstructions = self.players["G"](z).split(n)
        return samples, reconstructions

    def verdict(self, round: Round, critic=None) -> Verdict:
        twice = {name: torch.cat([x, x]) for name, x in round.latent.items()}
        real = map_sample(lambda x: torch.cat([x, x]), round.real)
        return super().verdict(Round(real, None, twice, torch.cat(list(round.fake))), critic)


class EncoderTurn(Turn):
    """E learns to tell what D's features need, in as few nats as it can."""

    name, learns, uses_fake = "encoder", ("E",), False

    def __init__(self, game: VAEGAN):
        self.game = game

    def loss(self, round: Round) -> Parts:
        said = self.game.posterior(round)
        _, reconstructions = self.game.made(round, said)
        verdict = Verdict(self.game.critic(round), round.real, reconstructions)
        return {"kl": kl_to_standard_normal(said), "encoded": unlikeness(verdict)}
