"""A GAN with a third player: an encoder E from examples to latents, kept beside the generator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.game import LossTerm, Round
from sparring.games.gan import GAN
from sparring.losses.objectives import Objective, TopK


def as_float32(x: Tensor) -> Tensor:
    """At least in float32: sums of squares and exponentials want it under autocast too."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def posterior_mean(told: Tensor, dim: int) -> Tensor:
    """Of the posterior, (n, dim): what an encoder tells, or the first half of it."""
    return told[:, :dim]


def reparameterise(told: Tensor, e: Tensor) -> Tensor:
    """z (n, dim) of what an encoder tells: (n, dim) is z itself; of (n, 2·dim), μ and log σ², it is μ + σe.

    Kingma & Welling 2014 (arXiv:1312.6114), section 2.4.
    """
    mu, *log_variance = as_float32(told).split(e.shape[1], 1)
    return mu + (log_variance[0] / 2).exp() * e if log_variance else mu


def kl_to_standard_normal(told: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) in nats, (n,), of μ and log σ² as (n, 2·dim).

    ½ Σ (μ² + σ² − 1 − log σ²): Kingma & Welling 2014, appendix B.
    """
    mu, log_variance = as_float32(told).chunk(2, 1)
    return (mu.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


class EncoderGAN(GAN):
    """Players G, E, D.

    Args:
        E: x → (n, dim), the latent; or (n, 2·dim), μ and log σ² of its posterior.
        options: as `GAN` takes them; the latents are z and e, the posterior's noise, both (n, dim).
    """

    def __init__(
        self,
        G: nn.Module,
        E: nn.Module,
        D: nn.Module,
        objective: Objective | TopK,
        penalties: Sequence[LossTerm] = (),
        **options,
    ):
        super().__init__(G, D, objective, penalties, **options)
        self.players["E"] = E
        self.averaged = ("G", "E")

    def posterior(self, round: Round) -> Tensor:
        """What E says of the real examples."""
        return self.players["E"](round.real)
