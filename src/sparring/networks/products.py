"""Convolutions as matrix products.

A convolution and its gradients are three operations, bilinear, and each is the derivative of the others: `gather`
(y = W·cols(x), a convolution), `scatter` (x = colsᵀ(Wᵀ·y), a transposed one) and `weight` (W = y·cols(x)ᵀ). Vendors'
kernels are made for large maps and many channels; where a map is small and deep, or has one channel, copying patches
into the rows of one large product is quicker. Which, depends on the machine: `training/quicker.py` measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import conv2d, conv_transpose2d, fold, pad

OPERATIONS = ("gather", "scatter", "weight")
FEW = 4
"""Channels up to which patches are put back by `fold`, which goes through one at a time."""

Pair = tuple[int, int]


def _cols(x: Tensor, kernel: Pair, stride: Pair, padding: Pair) -> tuple[Tensor, tuple[int, int, int]]:
    """Patches of x (n, c, h, w) as rows (n·h'·w', k·k·c), and (n, h', w')."""
    (kh, kw), (ph, pw) = kernel, padding
    padded = pad(x.permute(0, 2, 3, 1), (0, 0, pw, pw, ph, ph))
    patches = padded.unfold(1, kh, stride[0]).unfold(2, kw, stride[1])  # (n, h', w', c, kh, kw)
    n, h, w = patches.shape[:3]
    return patches.permute(0, 1, 2, 4, 5, 3).reshape(n * h * w, -1), (n, h, w)


def _rows(x: Tensor) -> Tensor:
    """(n, c, h, w) → (n·h·w, c), a view of what is channels last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _flat(weight: Tensor) -> Tensor:
    """(o, c, kh, kw) → (o, kh·kw·c), a view of what is channels last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


@dataclass(frozen=True)
class Operations:
    """The three, for one geometry; `products` names those that are computed as products.

    x is (n, c, h, w), y (n, o, h', w') and a weight (o, c, kh, kw), all of one dtype.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    products: frozenset[str] = frozenset()

    def gather(self, x: Tensor, weight: Tensor) -> Tensor:
        """y, of x."""
        if "gather" not in self.products:
            return conv2d(x, weight, None, self.stride, self.padding)
        cols, (n, h, w) = _cols(x, self.kernel, self.stride, self.padding)
        return (cols @ _flat(weight).t()).view(n, h, w, -1).permute(0, 3, 1, 2)

    def scatter(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        """x, of `size` (h, w), of y."""
        if "scatter" not in self.products:
            geometry = zip(size, y.shape[2:], self.kernel, self.stride, self.padding, strict=True)
            missing = [side - ((out - 1) * s - 2 * p + k) for side, out, k, s, p in geometry]
            return conv_transpose2d(y, weight, None, self.stride, self.padding, missing)
        if weight.shape[1] <= FEW:
            return fold(weight.flatten(1).t() @ y.flatten(2), size, self.kernel, 1, self.padding, self.stride)
        (n, _, h, w), (kh, kw), (sh, sw), (ph, pw) = y.shape, self.kernel, self.stride, self.padding
        patches = (_rows(y) @ _flat(weight)).view(n, h, w, kh, kw, -1)
        x = y.new_zeros(n, size[0] + 2 * ph, size[1] + 2 * pw, patches.shape[-1])
        for i in range(kh):
            for j in range(kw):
                x[:, i : i + sh * h : sh, j : j + sw * w : sw] += patches[:, :, :, i, j]
        return x[:, ph : ph + size[0], pw : pw + size[1]].permute(0, 3, 1, 2)

    def weight(self, x: Tensor, y: Tensor) -> Tensor:
        """The weight's gradient, of x and what came of y."""
        if "weight" not in self.products:
            weight = x.new_empty(y.shape[1], x.shape[1], *self.kernel)
            asked = (None, self.stride, self.padding, (1, 1), False, (0, 0), 1, (False, True, False))
            return torch.ops.aten.convolution_backward(y, x, weight, *asked)[1]
        cols, _ = _cols(x, self.kernel, self.stride, self.padding)
        return (_rows(y).t() @ cols).view(y.shape[1], *self.kernel, -1).permute(0, 3, 1, 2)


class _Operation(Function):
    """Of two tensors, linear in each; its derivatives are of the same kind, so there are as many as are asked for."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, ctx.operations, *_ = inputs
        ctx.save_for_backward(a, b)


class _Gather(_Operation):
    @staticmethod
    def forward(x: Tensor, weight: Tensor, operations: Operations) -> Tensor:  # pyright: ignore
        return operations.gather(x, weight)

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (x, weight), (of_x, of_weight, _) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _Scatter.apply(y, weight, ctx.operations, tuple(x.shape[2:])) if of_x else None,
            _Weight.apply(x, y, ctx.operations) if of_weight else None,
            None,
        )


class _Scatter(_Operation):
    @staticmethod
    def forward(y: Tensor, weight: Tensor, operations: Operations, size: Pair) -> Tensor:  # pyright: ignore
        return operations.scatter(y, weight, size)

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (y, weight), (of_y, of_weight, *_) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _Gather.apply(x, weight, ctx.operations) if of_y else None,
            _Weight.apply(x, y, ctx.operations) if of_weight else None,
            None,
            None,
        )


class _Weight(_Operation):
    @staticmethod
    def forward(x: Tensor, y: Tensor, operations: Operations) -> Tensor:  # pyright: ignore
        return operations.weight(x, y)

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        (x, y), (of_x, of_y, _) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _Scatter.apply(y, weight, ctx.operations, tuple(x.shape[2:])) if of_x else None,
            _Gather.apply(x, weight, ctx.operations) if of_y else None,
            None,
        )


def _alike(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both as autocast wants them."""
    if not torch.is_autocast_enabled(x.device.type):
        return x, weight
    dtype = torch.get_autocast_dtype(x.device.type)
    return x.to(dtype), weight.to(dtype)


def _shifted(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else y + bias.to(y.dtype).view(1, -1, 1, 1)


class ProductConv2d(nn.Conv2d):
    operations: Operations

    def forward(self, input: Tensor) -> Tensor:
        return _shifted(_Gather.apply(*_alike(input, self.weight), self.operations), self.bias)  # pyright: ignore


class ProductConvTranspose2d(nn.ConvTranspose2d):
    operations: Operations

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        made = _Scatter.apply(*_alike(input, self.weight), self.operations, scattered(self, input))
        return _shifted(made, self.bias)  # pyright: ignore


def scattered(layer: nn.ConvTranspose2d, x: Tensor) -> Pair:
    """The sides of what it makes of x (n, c, h, w)."""
    sides = zip(
        x.shape[2:], layer.stride, layer.padding, layer.kernel_size, layer.output_padding, strict=True
    )  # fmt: skip
    height, width = ((side - 1) * s - 2 * int(p) + k + more for side, s, p, k, more in sides)
    return height, width


TWINS: dict[type, Callable[..., nn.Module]] = {
    nn.Conv2d: ProductConv2d,
    nn.ConvTranspose2d: ProductConvTranspose2d,
}


def fits(layer: nn.Module) -> bool:
    """Whether it is a plain convolution, over more than single pixels. Those with a parametrised weight are not."""
    return (
        isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        and type(layer) in TWINS
        and layer.groups == 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.kernel_size != (1, 1)
    )


def forward(layer: nn.Module) -> tuple[str, ...]:
    """The operations of a fitting layer without its gradients."""
    return ("scatter",) if isinstance(layer, nn.ConvTranspose2d) else ("gather",)


def operations(layer: nn.Module, products: frozenset[str] = frozenset()) -> Operations:
    """A fitting layer's."""
    return Operations(layer.kernel_size, layer.stride, layer.padding, products)  # pyright: ignore


def twin(layer: nn.Module, products: frozenset[str]) -> nn.Module:
    """A layer that fits, on the same parameters, with these of its operations as products."""
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    more = {"output_padding": layer.output_padding} if isinstance(layer, nn.ConvTranspose2d) else {}
    shape = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
    made = TWINS[type(layer)](*shape, bias=layer.bias is not None, device="meta", **more)
    for name, parameter in layer.named_parameters():
        made.register_parameter(name, parameter)
    made.operations = operations(layer, products)  # pyright: ignore
    return made.train(layer.training)
