"""Parts of a network that can be computed twice instead of remembered (Chen et al. 2016, arXiv:1604.06174)."""

from torch import Tensor, is_grad_enabled, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


class Stage(nn.Module):
    """A part of a network, such as a residual block, that keeps only what went in and what came out of it while
    gradients are taken, if `recomputed`: its other maps are computed again when they are wanted. That costs a forward
    pass and saves most of the memory. Noise that it draws from torch's own generator is drawn again alike.
    """

    recomputed = False

    def __call__(self, *inputs: Tensor):
        if self.recomputed and is_grad_enabled():
            return checkpoint(super().__call__, *inputs, use_reentrant=False)
        return super().__call__(*inputs)


class Steps(Stage, nn.Sequential):
    """Layers that are one stage together."""


def recompute(network: nn.Module) -> int:
    """Has the stages of a network computed again in the backward pass; returns how many. One with batch norm is left
    as it is: it would count a batch twice in its running statistics."""
    stages = [part for part in network.modules() if isinstance(part, Stage)]
    able = [stage for stage in stages if not any(isinstance(part, _NormBase) for part in stage.modules())]
    for stage in able:
        stage.recomputed = True
    return len(able)
