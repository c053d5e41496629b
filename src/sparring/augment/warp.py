"""Affine warps of image batches, differentiable any number of times with respect to the image."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

BILINEAR, BORDER = 0, 1
"""Interpolation and padding mode of `torch.grid_sampler_2d`. BORDER repeats the edge pixels outside the image."""


class _Sampled(torch.autograd.Function):
    """Samples x at the points of a grid. PyTorch's `grid_sample` has no second derivative; sampling is linear in x, so
    here its derivative is the adjoint `_Scattered`, whose derivative is `_Sampled`. The grid receives no gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, grid: Tensor) -> Tensor:
        return torch.grid_sampler_2d(x, grid.to(x.dtype), BILINEAR, BORDER, False)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, grid = inputs
        ctx.save_for_backward(grid)
        ctx.shape = x.shape

    @staticmethod
    def backward(ctx, y):  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Scattered.apply(y, ctx.saved_tensors[0], ctx.shape), None


class _Scattered(torch.autograd.Function):
    """The adjoint of `_Sampled`: adds each value to the pixels that it was interpolated from."""

    generate_vmap_rule = True

    @staticmethod
    def forward(y: Tensor, grid: Tensor, shape: tuple[int, ...]) -> Tensor:
        blank = torch.zeros(shape, dtype=y.dtype, device=y.device)
        dx, _ = torch.ops.aten.grid_sampler_2d_backward(
            y, blank, grid.to(y.dtype), BILINEAR, BORDER, False, [True, False]
        )
        return dx

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx, x):  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Sampled.apply(x, ctx.saved_tensors[0]), None, None


def warp(x: Tensor, maps: Tensor) -> Tensor:
    """Images (n, c, h, w) warped by maps (n, 3, 3), in the same shape. A map takes the old position of a pixel to the
    new one, in pixels from the centre of the image. Bilinear; outside the image the edge pixels are repeated."""
    height, width = x.shape[2:]
    half = maps.new_tensor([width / 2, height / 2, 1.0])
    back = torch.linalg.inv(maps) * half / half[:, None]  # grids count in half sides
    grid = affine_grid(back[:, :2], [len(x), 1, height, width], align_corners=False)
    return _Sampled.apply(x, grid)  # pyright: ignore[reportReturnType]
