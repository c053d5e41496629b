"""Images moved by affine maps, differentiable as often as one likes."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

BILINEAR, REFLECTION = 0, 1
"""In the terms of `torch.grid_sampler_2d`: how values between pixels are made, and those outside the image."""


class _Sampled(torch.autograd.Function):
    """x at the places of a grid. It is linear in x, so its derivative is its adjoint, and that one's is itself again:
    what PyTorch's own has no second derivative for. None goes to the grid."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, grid: Tensor) -> Tensor:
        return torch.grid_sampler_2d(x, grid.to(x.dtype), BILINEAR, REFLECTION, False)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, grid = inputs
        ctx.save_for_backward(grid)
        ctx.shape = x.shape

    @staticmethod
    def backward(ctx, y):  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Scattered.apply(y, ctx.saved_tensors[0], ctx.shape), None


class _Scattered(torch.autograd.Function):
    """The adjoint: each value is dealt out to the pixels it was made of."""

    generate_vmap_rule = True

    @staticmethod
    def forward(y: Tensor, grid: Tensor, shape: tuple[int, ...]) -> Tensor:
        blank = torch.zeros(shape, dtype=y.dtype, device=y.device)
        told = torch.ops.aten.grid_sampler_2d_backward(
            y, blank, grid.to(y.dtype), BILINEAR, REFLECTION, False, [True, False]
        )
        return told[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx, x):  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Sampled.apply(x, ctx.saved_tensors[0]), None, None


def warp(x: Tensor, maps: Tensor) -> Tensor:
    """Images (n, c, h, w) moved by maps (n, 3, 3), the same shape: where a pixel was, and where it goes to, counted in
    pixels from the middle of the image. Bilinear; beyond its edges an image is mirrored."""
    height, width = x.shape[2:]
    half = maps.new_tensor([width / 2, height / 2, 1.0])
    back = torch.linalg.inv(maps) * half / half[:, None]  # in half sides, as grids count
    grid = affine_grid(back[:, :2], [len(x), 1, height, width], align_corners=False)
    return _Sampled.apply(x, grid)  # pyright: ignore[reportReturnType]
