"""Convolutions as matrix products.

Vendors' kernels are made for large maps and many channels; where a map is small and deep, or has one channel, copying
patches into the rows of one large product is quicker. Which one wins depends on the machine: `conv_autotune.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, pad

from sparring.networks.layers.conv_ops import Operations, Pair, gathered, scattered

OPERATIONS = ("gather", "scatter", "weight")
FEW = 4
"""Channels up to which patches are put back as squares of pixels, or by `fold`, which goes through one at a time."""


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
class Products(Operations):
    """Those named are computed as products, in one group."""

    products: frozenset[str] = frozenset()

    def gather(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if "gather" not in self.products:
            return super().gather(x, weight, bias)
        cols, (n, h, w) = _cols(x, self.kernel, self.stride, self.padding)
        return _shifted((cols @ _flat(weight).t()).view(n, h, w, -1).permute(0, 3, 1, 2), bias)

    def scatter(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        if "scatter" not in self.products:
            return super().scatter(y, weight, size)
        if weight.shape[1] <= FEW and self._blocks(y, size):
            return self._shuffled(y, weight, size)
        if weight.shape[1] <= FEW:
            return fold(weight.flatten(1).t() @ y.flatten(2), size, self.kernel, 1, self.padding, self.stride)
        (n, _, h, w), (kh, kw), (sh, sw), (ph, pw) = y.shape, self.kernel, self.stride, self.padding
        patches = (_rows(y) @ _flat(weight)).view(n, h, w, kh, kw, -1)
        x = y.new_zeros(n, size[0] + 2 * ph, size[1] + 2 * pw, patches.shape[-1])
        for i in range(kh):
            for j in range(kw):
                x[:, i : i + sh * h : sh, j : j + sw * w : sw] += patches[:, :, :, i, j]
        return x[:, ph : ph + size[0], pw : pw + size[1]].permute(0, 3, 1, 2)

    def _blocks(self, y: Tensor, size: Pair) -> bool:
        """Whether x is made of squares of `stride` pixels that two patches reach, each way."""
        (kh, kw), (s, sw), (ph, pw) = self.kernel, self.stride, self.padding
        enough = ph + size[0] <= s * (y.shape[2] + 1) and pw + size[1] <= s * (y.shape[3] + 1)
        return s == sw and (kh, kw) == (2 * s, 2 * s) and enough

    def _shuffled(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        """x by a convolution of 2×2 that makes the pixels of a square as channels: Shi et al. 2016 (arXiv:1609.05158),
        section 3. Of the taps a + s·b of a patch, those of b = 1 reach into the square behind it."""
        (o, c), s, (ph, pw) = weight.shape[:2], self.stride[0], self.padding
        taps = weight.reshape(o, c, 2, s, 2, s).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
        squares = conv2d(y, taps.reshape(c * s * s, o, 2, 2), None, 1, 1).unflatten(1, (c, s, s))
        x = y.new_empty(len(y), c, s * squares.shape[4], s * squares.shape[5])
        for a in range(s):  # a seventh of the time of PyTorch's own shuffle, which goes pixel by pixel
            for b in range(s):
                x[:, :, a::s, b::s] = squares[:, :, a, b]
        return x[:, :, ph : ph + size[0], pw : pw + size[1]]

    def weight(self, x: Tensor, y: Tensor) -> Tensor:
        if "weight" not in self.products:
            return super().weight(x, y)
        cols, _ = _cols(x, self.kernel, self.stride, self.padding)
        return (_rows(y).t() @ cols).view(y.shape[1], *self.kernel, -1).permute(0, 3, 1, 2)


def _shifted(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else y + bias.view(1, -1, 1, 1).to(y.dtype)


class ProductConv2d(nn.Conv2d):
    operations: Operations

    def forward(self, input: Tensor) -> Tensor:
        return gathered(input, self.weight, self.operations, self.bias)


class ProductConvTranspose2d(nn.ConvTranspose2d):
    operations: Operations

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return _shifted(scattered(input, self.weight, self.operations, sides(self, input)), self.bias)


def sides(layer: nn.ConvTranspose2d, x: Tensor) -> Pair:
    """Of what it makes of x (n, c, h, w)."""
    geometry = zip(
        x.shape[2:], layer.stride, layer.padding, layer.kernel_size, layer.output_padding, strict=True
    )  # fmt: skip
    height, width = ((side - 1) * s - 2 * int(p) + k + more for side, s, p, k, more in geometry)
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
    return Products(layer.kernel_size, layer.stride, layer.padding, products=products)  # pyright: ignore


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
