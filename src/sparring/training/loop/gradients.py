"""Gradients of one turn's weighted loss."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sparring.game import Parts
from sparring.training.loop.compiled import CompiledTurn

LossWeight = Callable[[str], float]
"""The weight of a loss term, by its name."""


def weighted_sum(parts: Parts, weight: LossWeight) -> Tensor:
    """Σ weight · mean(term), a scalar."""
    return torch.stack([weight(name) * part.mean() for name, part in parts.items()]).sum()


def add_gradients(
    turn: CompiledTurn, inputs: tuple[Any, ...], weight: LossWeight, share: float
) -> tuple[Parts, dict[str, Tensor]]:
    """Adds `share` (1 / micro-batches) of the gradient of a micro-batch to `.grad`. Returns loss terms and notes."""
    parts, notes = turn.run(*inputs)
    (weighted_sum(parts, weight) * share).backward()
    return parts, notes
