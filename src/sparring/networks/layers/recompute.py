"""Activation checkpointing of parts of a network: Chen et al. 2016 (arXiv:1604.06174)."""

from torch import Tensor, is_grad_enabled, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


class Stage(nn.Module):
    """A part of a network, such as a residual block, that can be checkpointed.

    If `recomputed`, only its inputs and outputs are stored, and the backward pass computes the rest again, with the
    same random numbers.
    """

    recomputed = False

    def __call__(self, *inputs: Tensor):
        if self.recomputed and is_grad_enabled():
            return checkpoint(super().__call__, *inputs, use_reentrant=False)
        return super().__call__(*inputs)


class Steps(Stage, nn.Sequential):
    """A sequence of layers as one stage."""


def recompute(network: nn.Module) -> int:
    """Enables checkpointing in the stages of a network; returns their number.

    Stages with batch norm are left out: their running statistics would count a batch twice.
    """
    stages = [part for part in network.modules() if isinstance(part, Stage)]
    eligible = [stage for stage in stages if not any(isinstance(part, _NormBase) for part in stage.modules())]
    for stage in eligible:
        stage.recomputed = True
    return len(eligible)
