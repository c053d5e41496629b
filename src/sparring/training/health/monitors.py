"""What is watched while a game is played: a few numbers a report, taken so that the game goes on as if nobody had
looked, to the bit."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparring.game import Round, map_sample, per_example
from sparring.training.loop.loop import Loop

HealthMetrics = dict[str, float]


def health_metrics(loop: Loop) -> HealthMetrics:
    """Of the round just played:

    gradient.P: the norm of what player P's last step followed, if it is one that learns;
    edge: the probability that the critic takes a real example over a fake, ½ where it can't tell them apart;
    logits: the root of their mean square.
    """
    learning = {name: learners for name, learners in loop.learners.items() if learners}
    return {f"gradient.{name}": gradient(learners) for name, learners in learning.items()} | critic_metrics(loop)


def gradient(learners: list[nn.Parameter]) -> float:
    """The norm of all their gradients; 0 for a player that has made no step."""
    gradients = [p.grad for p in learners if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0


def critic_metrics(loop: Loop) -> HealthMetrics:
    """Of the critic, on the examples it has just learnt from and on new fakes; nothing of games that show no critic."""
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
    """The share of pairs of logits (n,), (m,) in which the real one is higher; a tie counts half (Mann & Whitney)."""
    apart = real[:, None] - fake
    return float(((apart > 0).double() + (apart == 0).double() / 2).mean())


@contextmanager
def preserving_buffers(game: nn.Module) -> Iterator[None]:
    """Running statistics and their like are as they were once this is over."""
    buffers = list(game.buffers())
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
