"""Convolutions lowered to matrix products (im2col).

Vendors' kernels are built for large maps and many channels. For small, deep maps, or a single channel, one large matrix
product over patches is faster. Which one wins depends on the machine: `training/tuning/machine.py` measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, pad

from sparring.networks.layers.conv_ops import ConvOperations, Pair, convolve, convolve_transposed

OPERATIONS = ("gather", "scatter", "weight")
FEW_CHANNELS = 4
"""Up to which `scatter` uses a pixel shuffle or `fold`, which loops over channels."""


def _cols(x: Tensor, kernel: Pair, stride: Pair, padding: Pair) -> tuple[Tensor, tuple[int, int, int]]:
    """Patches of x (n, c, h, w) as rows (n·h'·w', k·k·c), and (n, h', w')."""
    (kh, kw), (ph, pw) = kernel, padding
    padded = pad(x.permute(0, 2, 3, 1), (0, 0, pw, pw, ph, ph))
    patches = padded.unfold(1, kh, stride[0]).unfold(2, kw, stride[1])  # (n, h', w', c, kh, kw)
    n, h, w = patches.shape[:3]
    return patches.permute(0, 1, 2, 4, 5, 3).reshape(n * h * w, -1), (n, h, w)


def _rows(x: Tensor) -> Tensor:
    """(n, c, h, w) → (n·h·w, c); a view in channels last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _flat(weight: Tensor) -> Tensor:
    """(o, c, kh, kw) → (o, kh·kw·c); a view in channels last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


@dataclass(frozen=True)
class GemmOperations(ConvOperations):
    """Computes the operations named in `lowered` as matrix products; one group only."""

    lowered: frozenset[str] = frozenset()

    def gather(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if "gather" not in self.lowered:
            return super().gather(x, weight, bias)
        cols, (n, h, w) = _cols(x, self.kernel, self.stride, self.padding)
        return _add_bias((cols @ _flat(weight).t()).view(n, h, w, -1).permute(0, 3, 1, 2), bias)

    def scatter(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        if "scatter" not in self.lowered:
            return super().scatter(y, weight, size)
        if weight.shape[1] <= FEW_CHANNELS and self._is_shuffle(y, size):
            return self._scatter_by_shuffle(y, weight, size)
        if weight.shape[1] <= FEW_CHANNELS:
            return fold(weight.flatten(1).t() @ y.flatten(2), size, self.kernel, 1, self.padding, self.stride)
        (n, _, h, w), (kh, kw), (sh, sw), (ph, pw) = y.shape, self.kernel, self.stride, self.padding
        patches = (_rows(y) @ _flat(weight)).view(n, h, w, kh, kw, -1)
        x = y.new_zeros(n, size[0] + 2 * ph, size[1] + 2 * pw, patches.shape[-1])
        for i in range(kh):
            for j in range(kw):
                x[:, i : i + sh * h : sh, j : j + sw * w : sw] += patches[:, :, :, i, j]
        return x[:, ph : ph + size[0], pw : pw + size[1]].permute(0, 3, 1, 2)

    def _is_shuffle(self, y: Tensor, size: Pair) -> bool:
        """Whether the kernel is twice the stride, so that two patches each way cover every block of stride × stride."""
        (kh, kw), (s, sw), (ph, pw) = self.kernel, self.stride, self.padding
        enough = ph + size[0] <= s * (y.shape[2] + 1) and pw + size[1] <= s * (y.shape[3] + 1)
        return s == sw and (kh, kw) == (2 * s, 2 * s) and enough

    def _scatter_by_shuffle(self, y: Tensor, weight: Tensor, size: Pair) -> Tensor:
        """x by a 2×2 convolution whose output channels are the pixels of a block: Shi et al. 2016 (arXiv:1609.05158),
        section 3. Of the taps a + s·b of a patch, those of b = 1 belong to the previous block."""
        (o, c), s, (ph, pw) = weight.shape[:2], self.stride[0], self.padding
        taps = weight.reshape(o, c, 2, s, 2, s).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
        blocks = conv2d(y, taps.reshape(c * s * s, o, 2, 2), None, 1, 1).unflatten(1, (c, s, s))
        x = y.new_empty(len(y), c, s * blocks.shape[4], s * blocks.shape[5])
        for a in range(s):  # seven times as fast as `pixel_shuffle`
            for b in range(s):
                x[:, :, a::s, b::s] = blocks[:, :, a, b]
        return x[:, :, ph : ph + size[0], pw : pw + size[1]]

    def weight(self, x: Tensor, y: Tensor) -> Tensor:
        if "weight" not in self.lowered:
            return super().weight(x, y)
        cols, _ = _cols(x, self.kernel, self.stride, self.padding)
        return (_rows(y).t() @ cols).view(y.shape[1], *self.kernel, -1).permute(0, 3, 1, 2)


def _add_bias(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else y + bias.view(1, -1, 1, 1).to(y.dtype)


class LoweredConv2d(nn.Conv2d):
    operations: ConvOperations

    def forward(self, input: Tensor) -> Tensor:
        return convolve(input, self.weight, self.operations, self.bias)


class LoweredConvTranspose2d(nn.ConvTranspose2d):
    operations: ConvOperations

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return _add_bias(convolve_transposed(input, self.weight, self.operations, output_sides(self, input)), self.bias)


def output_sides(layer: nn.ConvTranspose2d, x: Tensor) -> Pair:
    """Height and width of the output for x (n, c, h, w)."""
    geometry = zip(
        x.shape[2:], layer.stride, layer.padding, layer.kernel_size, layer.output_padding, strict=True
    )  # fmt: skip
    height, width = ((side - 1) * s - 2 * int(p) + k + more for side, s, p, k, more in geometry)
    return height, width


LOWERED: dict[type, Callable[..., nn.Module]] = {nn.Conv2d: LoweredConv2d, nn.ConvTranspose2d: LoweredConvTranspose2d}


def is_lowerable(layer: nn.Module) -> bool:
    """Whether the layer is a plain convolution, larger than 1×1 and without a parametrised weight."""
    return (
        isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        and type(layer) in LOWERED
        and layer.groups == 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.kernel_size != (1, 1)
    )


def forward_operations(layer: nn.Module) -> tuple[str, ...]:
    """The operation of a lowerable layer's forward pass."""
    return ("scatter",) if isinstance(layer, nn.ConvTranspose2d) else ("gather",)


def conv_operations(layer: nn.Module, lowered: frozenset[str] = frozenset()) -> ConvOperations:
    """The operations of a lowerable layer."""
    return GemmOperations(layer.kernel_size, layer.stride, layer.padding, lowered=lowered)  # pyright: ignore


def lowered_conv(layer: nn.Module, lowered: frozenset[str]) -> nn.Module:
    """A layer on the same parameters that computes the operations in `lowered` as matrix products."""
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    extra = {"output_padding": layer.output_padding} if isinstance(layer, nn.ConvTranspose2d) else {}
    shape = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
    new = LOWERED[type(layer)](*shape, bias=layer.bias is not None, device="meta", **extra)
    for name, parameter in layer.named_parameters():
        new.register_parameter(name, parameter)
    new.operations = conv_operations(layer, lowered)  # pyright: ignore
    return new.train(layer.training)
