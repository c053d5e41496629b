"""Colour augmentations and cutout of images (n, c, h, w) in [−1, 1].

Each is a function of u (n, k) from U[0, 1), and affine in the image, so gradients stay exact. `brighten`, `saturate`,
`contrast` and `cutout`: Zhao et al. 2020 (arXiv:2006.10738), the authors' strengths; the others: Karras et al. 2020
(arXiv:2006.06676), appendix B.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sparring.augment.moves import standard_normal

Tint = Callable[[Tensor, Tensor], Tensor]


def _by_example(v: Tensor) -> Tensor:
    """(n,) → (n, 1, 1, 1)."""
    return v.view(-1, 1, 1, 1)


def brighten(x: Tensor, u: Tensor) -> Tensor:
    """Adds U[−½, ½)."""
    return x + _by_example(u[:, 0] - 0.5)


def saturate(x: Tensor, u: Tensor) -> Tensor:
    """Scales the distance from each pixel's mean by U[0, 2)."""
    mean = x.mean(1, keepdim=True)
    return mean + (x - mean) * _by_example(2 * u[:, 0])


def contrast(x: Tensor, u: Tensor) -> Tensor:
    """Scales the distance from the image's mean by U[½, 1½)."""
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * _by_example(u[:, 0] + 0.5)


def brightness(x: Tensor, u: Tensor) -> Tensor:
    """Adds N(0, .2²)."""
    return x + _by_example(0.2 * standard_normal(u[:, 0]))


def gain(x: Tensor, u: Tensor) -> Tensor:
    """Multiplies values in [−1, 1] by 2^N(0, ½²)."""
    return x * _by_example((standard_normal(u[:, 0]) / 2).exp2())


def _coloured(x: Tensor, matrices: Tensor) -> Tensor:
    """Applies matrices (n, 3, 3) to the first three channels; images with fewer are unchanged."""
    if x.shape[1] < 3:
        return x
    return torch.cat([torch.einsum("nij,njhw->nihw", matrices.to(x.dtype), x[:, :3]), x[:, 3:]], 1)


def _parts(u: Tensor) -> tuple[Tensor, Tensor]:
    """The projections (3, 3) on the grey axis, and on the plane of colours across it."""
    grey = torch.full((3, 3), 1 / 3, dtype=u.dtype, device=u.device)
    return grey, torch.eye(3, dtype=u.dtype, device=u.device) - grey


def flip_luma(x: Tensor, u: Tensor) -> Tensor:
    """Inverts lightness with probability ½; chroma stays."""
    grey, colour = _parts(u)
    sign = torch.where(u[:, 0] < 0.5, -1.0, 1.0).view(-1, 1, 1)
    return _coloured(x, sign * grey + colour)


def hue(x: Tensor, u: Tensor) -> Tensor:
    """Rotates colours about the grey axis by U[−π, π) (Rodrigues' formula)."""
    grey, colour = _parts(u)
    angle = ((2 * u[:, 0] - 1) * math.pi).view(-1, 1, 1)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=u.dtype, device=u.device) / math.sqrt(3)
    return _coloured(x, grey + angle.cos() * colour + angle.sin() * cross)


def saturation(x: Tensor, u: Tensor) -> Tensor:
    """Scales the distance from grey by 2^N(0, 1)."""
    grey, colour = _parts(u)
    return _coloured(x, grey + standard_normal(u[:, 0]).exp2().view(-1, 1, 1) * colour)


def cutout(x: Tensor, u: Tensor) -> Tensor:
    """Sets a rectangle of half the sides, centred anywhere in the image, to 0."""
    rows, columns = (_hidden(side, middle) for side, middle in zip(x.shape[2:], u.unbind(1), strict=True))
    return x * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _hidden(side: int, middle: Tensor) -> Tensor:
    """Mask of the hidden pixels along one side, (n, side)."""
    first = (middle * side).floor()[:, None] - side // 4
    places = torch.arange(side, device=middle.device)
    return (first <= places) & (places < first + side // 2)


TINTS: dict[str, tuple[Tint, int]] = {
    "brighten": (brighten, 1),
    "saturate": (saturate, 1),
    "contrast": (contrast, 1),
    "brightness": (brightness, 1),
    "gain": (gain, 1),
    "luma": (flip_luma, 1),
    "hue": (hue, 1),
    "saturation": (saturation, 1),
    "cutout": (cutout, 2),
}
"""Augmentations, with the number of random inputs of each."""
