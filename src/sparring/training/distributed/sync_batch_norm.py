"""Batch norm with the statistics of the whole batch, over all ranks.

Each layer costs two small collectives forward and two backward. A micro-batch's statistics stay its own.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Total(torch.autograd.Function):
    """The sum over the ranks. Its gradient, of the sum of the ranks' losses, is such a sum too, at any order."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, slope: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Total.apply(slope)  # pyright: ignore[reportReturnType]


class SynchronisedNorm(_BatchNorm):
    """Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithm 1, over the ranks' slices, all of one size; differentiable
    twice. In evaluation mode it is plain batch norm.

    Args:
        like: the batch norm whose parameters and buffers it shares.
    """

    def __init__(self, like: _BatchNorm, world: int):
        super().__init__(like.num_features, like.eps, like.momentum, affine=False, track_running_stats=False)
        self.affine, self.track_running_stats, self.world = like.affine, like.track_running_stats, world
        self._parameters, self._buffers = like._parameters, like._buffers
        self.train(like.training)

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        """(n, c, …) → the same."""
        if not self.training:
            return super().forward(input)
        axes, along = [0, *range(2, input.dim())], [1, -1, *[1] * (input.dim() - 2)]
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        mean = self._mean(x.mean(axes))
        centred = x - mean.view(along)
        variance = self._mean(centred.square().mean(axes))
        self._update_running(mean, variance, self.world * x.numel() // x.shape[1])
        y = centred * (variance + self.eps).rsqrt().view(along)
        if self.weight is not None:
            y = y * self.weight.view(along) + self.bias.view(along)
        return y.to(input.dtype)

    def _mean(self, x: Tensor) -> Tensor:
        total = _Total.apply(x)
        assert isinstance(total, Tensor)
        return total / self.world

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Updates the running statistics, with the unbiased estimate of the variance of n values."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        pace = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), pace)
        self.running_var.lerp_((variance * n / max(n - 1, 1)).to(self.running_var), pace)


def synchronise(network: nn.Module, world: int) -> int:
    """Replaces each batch norm by a `SynchronisedNorm` with the same weights under the same names; returns their
    number."""
    count = 0
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, _BatchNorm) and not isinstance(child, SynchronisedNorm):
                setattr(parent, name, SynchronisedNorm(child, world))
                count += 1
    return count
