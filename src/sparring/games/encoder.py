"""A GAN with a third player: an encoder E from examples to latents, which the model keeps along with the generator."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.errors import UserError, one_line
from sparring.game import Round
from sparring.games.gan import GAN
from sparring.games.latent_gan import LatentGANOptions
from sparring.games.shared.options import GameContext
from sparring.losses.objectives import Objective, TopK
from sparring.priors import normal


def as_float32(x: Tensor) -> Tensor:
    """In float32 or wider: sums of squares and exponentials overflow in half precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def reparameterise(moments: Tensor, e: Tensor) -> Tensor:
    """z (n, dim) from an encoder's output: the output itself if that is (n, dim); μ + σe if it is (n, 2·dim), μ and
    log σ².

    Kingma & Welling 2014 (arXiv:1312.6114), section 2.4.
    """
    mu, *log_variance = as_float32(moments).split(e.shape[1], 1)
    return mu + (log_variance[0] / 2).exp() * e if log_variance else mu


def kl_to_standard_normal(moments: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) in nats, (n,), from μ and log σ² as (n, 2·dim).

    ½ Σ (μ² + σ² − 1 − log σ²): Kingma & Welling 2014, appendix B.
    """
    mu, log_variance = as_float32(moments).chunk(2, 1)
    return (mu.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


class EncoderGAN(GAN):
    """Players G, E, D.

    Args:
        E: x → (n, dim), the latent; or (n, 2·dim), μ and log σ² of its posterior.
        options: those of `GAN`; the latents are z and the noise e of the posterior, both (n, dim).
    """

    def __init__(self, G: nn.Module, E: nn.Module, D: nn.Module, objective: Objective | TopK, *args, **options):
        super().__init__(G, D, objective, *args, **options)
        self.players["E"] = E
        self.averaged = ("G", "E")

    def posterior(self, round: Round) -> Tensor:
        """E's output for the real examples."""
        return self.players["E"](round.real)


@dataclass(frozen=True)
class EncoderGANOptions(LatentGANOptions):
    outputs_per_latent: ClassVar[tuple[int, ...]] = (1, 2)
    """How many numbers E may return for each number of the latent."""
    loss_terms: ClassVar = (*LatentGANOptions.loss_terms, "encoder")

    def gan_arguments(self, context: GameContext, G: nn.Module, D: nn.Module) -> dict[str, Any]:
        arguments = super().gan_arguments(context, G, D)
        return arguments | {"latents": {**arguments["latents"], "e": normal(context.latent_dim)}}

    def build_encoder(self, context: GameContext) -> nn.Module:
        if context.categories or context.codes:
            raise UserError(f"{context.recipe} plays {context.game}, which has no categories and codes: leave them out")
        if not {"E"} & {*context.networks, *context.choices}:
            raise UserError(f"{context.recipe} plays {context.game}, which has an encoder: name one in the recipe")
        return context.player("E", z=context.latent_dim)

    def check_encoder(self, E: nn.Module, context: GameContext) -> None:
        """Raises UserError unless E maps examples to `outputs_per_latent` numbers for each of the latent's."""
        was_training, like = E.training, next(E.parameters(), torch.zeros(()))
        shape, dim = context.shape, context.latent_dim
        with torch.no_grad():
            try:
                output = tuple(E.eval()(torch.zeros(2, *shape).to(like)).shape)
            except (RuntimeError, TypeError, ValueError) as error:
                raise UserError(f"E does not take examples {_batch_of(shape)}: {one_line(error)}") from None
        E.train(was_training)
        if output not in [(2, n * dim) for n in self.outputs_per_latent]:
            expected = " or ".join(_batch_of((n * dim,)) for n in self.outputs_per_latent)
            raise UserError(f"E returns {_batch_of(output[1:])}, but {context.game} needs {expected}")


def _batch_of(shape: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, shape))})"
