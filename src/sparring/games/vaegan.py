"""A variational autoencoder with a reconstruction loss on the critic's features: Larsen et al. 2016
(arXiv:1512.09300)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sparring.game import FunctionTerm, Game, LossTerm, Parts, Round, Sample, Turn, Verdict, map_sample
from sparring.games.encoder import EncoderGAN, EncoderGANOptions, as_float32, kl_to_standard_normal, reparameterise
from sparring.games.latent_gan import with_heads
from sparring.games.shared.options import GameContext
from sparring.losses.auxiliary import critic_output
from sparring.networks.layers.heads import StandardisedFeatures


def feature_distance(verdict: Verdict) -> Tensor:
    """½‖f(x) − f(x̃)‖², f the critic's features: −log N(f(x); f(x̃), I) up to a constant, (n,). Section 3.2, eq. 7."""
    f, g = (as_float32(critic_output(output, "features")) for output in (verdict.output_real, verdict.output_fake))
    return (f - g).square().flatten(1).sum(1) / 2


class VAEGAN(EncoderGAN):
    """E minimises `kl` and `encoded`, the two losses of the autoencoder; G minimises `decoded`, which equals `encoded`,
    and the GAN's loss.

    D sees every real example twice: once paired with a sample, once with its reconstruction. As in algorithm 1 of the
    paper, E does not learn from the GAN's loss; γ is the weight of `decoded`.

    Args:
        E: x → (n, 2·dim), μ and log σ².
        D: x → `CriticOutput` with features.
        options: those of `GAN`, without packs and conditions.
    """

    def __init__(self, *args, generator_terms: Sequence[LossTerm] = (), **options):
        terms = [*generator_terms, FunctionTerm("decoded", lambda verdict: feature_distance(verdict).chunk(2)[1])]
        super().__init__(*args, generator_terms=terms, **options)
        self._turns.append(EncoderTurn(self))

    def generate(self, round: Round) -> Sample:
        """Samples (n, …) and reconstructions (n, …)."""
        return self.decode(round, self.posterior(round))

    def decode(self, round: Round, moments: Tensor) -> tuple[Tensor, Tensor]:
        """Samples and reconstructions, given E's output. In one batch, so that G's batch norm normalises both alike."""
        n, z = len(moments), torch.cat([round.latent["z"], reparameterise(moments, round.latent["e"])])
        samples, reconstructions = self.players["G"](z).split(n)
        return samples, reconstructions

    def verdict(self, round: Round, critic=None) -> Verdict:
        twice = {name: torch.cat([x, x]) for name, x in round.latent.items()}
        real = map_sample(lambda x: torch.cat([x, x]), round.real)
        return super().verdict(Round(real, None, twice, torch.cat(list(round.fake))), critic)


class EncoderTurn(Turn):
    """E minimises the autoencoder's two losses."""

    name, learns, uses_fake = "encoder", ("E",), False

    def __init__(self, game: VAEGAN):
        self.game = game

    def loss(self, round: Round) -> Parts:
        moments = self.game.posterior(round)
        _, reconstructions = self.game.decode(round, moments)
        verdict = Verdict(self.game.critic(round), round.real, reconstructions)
        return {"kl": kl_to_standard_normal(moments), "encoded": feature_distance(verdict)}


@dataclass(frozen=True)
class VAEGANOptions(EncoderGANOptions):
    outputs_per_latent: ClassVar[tuple[int, ...]] = (2,)
    loss_terms: ClassVar = (*EncoderGANOptions.loss_terms, "kl", "encoded", "decoded")

    def build(self, context: GameContext) -> Game:
        G, E = self.build_generator(context), self.build_encoder(context)
        D = context.networks.get("D") or with_heads(
            context, context.player("D"), [lambda width, _: StandardisedFeatures()]
        )
        self.check_encoder(E, context)
        return VAEGAN(G, E, D, self.build_objective(), **self.gan_arguments(context, G, D))
