"""Health metrics of a training loop. Measuring them does not change the training, to the bit."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparring.game import Round, map_sample, per_example
from sparring.training.loop.loop import Loop

HealthMetrics = dict[str, float]


def health_metrics(loop: Loop) -> HealthMetrics:
    """Of the last round:

    gradient.P: the norm of the gradient of player P's last step, for players that learn;
    edge: the AUC of the critic: the probability that a real example has a higher logit than a fake one;
    logits: their root mean square.
    """
    learning = {name: learners for name, learners in loop.learners.items() if learners}
    return {f"gradient.{name}": gradient(learners) for name, learners in learning.items()} | critic_metrics(loop)


def gradient(learners: list[nn.Parameter]) -> float:
    """The norm of all their gradients; 0 before the first step."""
    gradients = [p.grad for p in learners if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0


def critic_metrics(loop: Loop) -> HealthMetrics:
    """Metrics of the critic, on the last real batch and new fakes; {} for games without a verdict."""
    piece = loop.latest
    if piece is None:
        return {}
    with preserving_buffers(loop.game), torch.no_grad():
        bare = Round(piece.real, piece.condition, piece.latent)
        round = Round(piece.real, piece.condition, piece.latent, map_sample(Tensor.detach, loop.game.generate(bare)))
        if (verdict := loop.game.verdict(round)) is None:
            return {}
        real, fake = per_example(verdict.on_real), per_example(verdict.on_fake)
    return {"edge": auc(real, fake), "logits": float(torch.cat([real, fake]).square().mean().sqrt())}


def auc(real: Tensor, fake: Tensor) -> float:
    """The share of pairs of logits (n,), (m,) in which the real one is higher; a tie counts half (Mann-Whitney U)."""
    apart = real[:, None] - fake
    return float(((apart > 0).double() + (apart == 0).double() / 2).mean())


@contextmanager
def preserving_buffers(game: nn.Module) -> Iterator[None]:
    """Restores all buffers, such as running statistics, on leaving."""
    buffers = list(game.buffers())
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
