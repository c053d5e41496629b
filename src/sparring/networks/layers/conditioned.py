"""Layers with a second input, such as a class embedding or a part of the latent."""

from torch import Tensor, nn


class Conditioned(nn.Sequential):
    """A sequence that passes w (n, …) to the layers with `conditional = True`."""

    conditional = True

    def forward(self, x: Tensor, *w: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        for layer in self:
            x = layer(x, *w) if getattr(layer, "conditional", False) else layer(x)
        return x


class ConditionalNorm(nn.Module):
    """Normalises x (n, c, h, w) with gain 1 + Aw and bias Bw per example, w (n, width)."""

    conditional = True
    kind: type[nn.BatchNorm2d] | type[nn.InstanceNorm2d]

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.norm = self.kind(channels, affine=False)
        self.gain, self.bias = (nn.Linear(width, channels, bias=False) for _ in range(2))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        gain, bias = 1 + self.gain(w), self.bias(w)
        return self.norm(x) * gain[:, :, None, None] + bias[:, :, None, None]


class ConditionalBatchNorm(ConditionalNorm):
    """de Vries et al. 2017 (arXiv:1707.00683), section 3.1; linear in w as in Brock et al. 2019 (arXiv:1809.11096),
    section 3."""

    kind = nn.BatchNorm2d


class ConditionalInstanceNorm(ConditionalNorm):
    """Dumoulin et al. 2017 (arXiv:1610.07629), section 2.2."""

    kind = nn.InstanceNorm2d
