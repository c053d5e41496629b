"""Convolutions with fast second derivatives, for gradient penalties.

A convolution and its two gradients are bilinear operations, and the derivatives of each are the other two: `gather`
(y = W·cols(x), a convolution), `scatter` (x = colsᵀ(Wᵀ·y), a transposed one) and `weight` (W = y·cols(x)ᵀ). So a second
derivative costs what a first one does. PyTorch's own loops over groups, copies the map for each, and computes gradients
of weights that need none.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.compiler import is_compiling
from torch.nn.functional import conv2d, conv_transpose2d

Pair = tuple[int, int]


@dataclass(frozen=True)
class ConvOperations:
    """The three operations of one geometry: x (n, c, h, w), y (n, o, h', w'), weight (o, c / groups, kh, kw)."""

    kernel: Pair
    stride: Pair
    padding: Pair
    groups: int = 1

    def gather(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """y from x."""
        return conv2d(x, weight, bias, self.stride, self.padding, 1, self.groups)

    def scatter(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        """x of `size` (h, w) from y."""
        if self._is_depthwise(weight) and self.stride == (1, 1):  # the transpose of a filter is a filter
            padding = [k - 1 - p for k, p in zip(self.kernel, self.padding, strict=True)]
            return conv2d(y, weight.flip(2, 3), None, 1, padding, 1, self.groups)
        return self._backward(y, _empty(y, len(y), weight.shape[1] * self.groups, *size), weight, True)

    def weight(self, x: Tensor, y: Tensor) -> Tensor:
        """The gradient of the weight from x and the gradient of y."""
        return self._backward(y, x, _empty(x, y.shape[1], x.shape[1] // self.groups, *self.kernel), False)

    def _backward(self, y: Tensor, x: Tensor, weight: Tensor, of_x: bool) -> Tensor:
        """The gradient of x, otherwise of the weight; that argument provides a shape only."""
        dtype = y.dtype
        if dtype == torch.bfloat16 and y.device.type == "cpu" and self._is_depthwise(weight):
            # oneDNN takes twenty times as long for depthwise gradients in bf16.
            y, x, weight = y.float(), x.float(), weight.float()
        geometry = (None, self.stride, self.padding, (1, 1), False, (0, 0), self.groups)
        gradients = torch.ops.aten.convolution_backward(y, x, weight, *geometry, (of_x, not of_x, False))
        return gradients[0 if of_x else 1].to(dtype)

    def _is_depthwise(self, weight: Tensor) -> bool:
        return self.groups == len(weight) and weight.shape[1] == 1


def _empty(like: Tensor, *shape: int) -> Tensor:
    """Channels last, the memory format of training: PyTorch selects kernels by it."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


class _Operation(Function):
    """A bilinear operation whose derivatives are such operations again, so it has derivatives of any order."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, ctx.operations, *_ = inputs
        ctx.save_for_backward(a, b)


class Gather(_Operation):
    @staticmethod
    def forward(x: Tensor, weight: Tensor, operations: ConvOperations, bias: Tensor | None) -> Tensor:  # pyright: ignore
        return operations.gather(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (x, weight), (of_x, of_weight, _, of_bias) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            Scatter.apply(y, weight, ctx.operations, tuple(x.shape[2:])) if of_x else None,
            Weight.apply(x, y, ctx.operations) if of_weight else None,
            None,
            y.sum((0, 2, 3)) if of_bias else None,
        )


class Scatter(_Operation):
    @staticmethod
    def forward(y: Tensor, weight: Tensor, operations: ConvOperations, size: Pair) -> Tensor:  # pyright: ignore
        return operations.scatter(y, weight, size)

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (y, weight), (of_y, of_weight, *_) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            Gather.apply(x, weight, ctx.operations, None) if of_y else None,
            Weight.apply(x, y, ctx.operations) if of_weight else None,
            None,
            None,
        )


class Weight(_Operation):
    @staticmethod
    def forward(x: Tensor, y: Tensor, operations: ConvOperations) -> Tensor:  # pyright: ignore
        return operations.weight(x, y)

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (x, y), (of_x, of_y, _) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            Scatter.apply(y, weight, ctx.operations, tuple(x.shape[2:])) if of_x else None,
            Gather.apply(x, weight, ctx.operations, None) if of_y else None,
            None,
        )


def _autocast(*tensors: Tensor | None) -> list[Tensor | None]:
    """The tensors in the dtype of autocast, if it is enabled on the device of the first."""
    device = tensors[0].device.type  # pyright: ignore[reportOptionalMemberAccess]
    if not torch.is_autocast_enabled(device):
        return [*tensors]
    dtype = torch.get_autocast_dtype(device)
    return [None if x is None else x.to(dtype) for x in tensors]


def convolve(x: Tensor, weight: Tensor, operations: ConvOperations, bias: Tensor | None = None) -> Tensor:
    """The convolution of x (n, c, h, w) with a weight (o, c / groups, kh, kw)."""
    if is_compiling():  # or exporting: the compiler differentiates by itself
        return conv2d(x, weight, bias, operations.stride, operations.padding, 1, operations.groups)
    x, weight, bias = _autocast(x, weight, bias)  # pyright: ignore[reportAssignmentType]
    return Gather.apply(x, weight, operations, bias)  # pyright: ignore[reportReturnType]


def convolve_transposed(y: Tensor, weight: Tensor, operations: ConvOperations, size: Pair) -> Tensor:
    """The transposed convolution of y (n, o, h', w') with a weight (o, c / groups, kh, kw): (n, c, *size)."""
    if is_compiling():
        geometry = zip(size, y.shape[2:], operations.kernel, operations.stride, operations.padding, strict=True)
        output_padding = [side - ((out - 1) * s - 2 * p + k) for side, out, k, s, p in geometry]
        return conv_transpose2d(
            y, weight, None, operations.stride, operations.padding, output_padding, operations.groups
        )
    y, weight = _autocast(y, weight)  # pyright: ignore[reportAssignmentType]
    return Scatter.apply(y, weight, operations, size)  # pyright: ignore[reportReturnType]


class GroupedConv2d(nn.Conv2d):
    """`nn.Conv2d` whose derivatives of any order process all groups at once."""

    def forward(self, input: Tensor) -> Tensor:
        operations = ConvOperations(self.kernel_size, self.stride, self.padding, self.groups)  # pyright: ignore
        return convolve(input, self.weight, operations, self.bias)
