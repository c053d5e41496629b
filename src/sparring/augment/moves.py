"""Where an example goes: affine maps (n, 3, 3) of places (x, y, 1), in pixels from the middle of the image.

Each is a function of numbers u (n, k) from U[0, 1) and the image's sides. Karras et al. 2020 (arXiv:2006.06676),
appendix B; `translation` is also that of Zhao et al. 2020 (arXiv:2006.10738).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Sides = tuple[int, int]
Move = Callable[[Tensor, Sides], Tensor]


def standard_normal(u: Tensor) -> Tensor:
    """Numbers from U[0, 1) as numbers from N(0, 1)."""
    return torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6))


def _linear(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """(x, y) → (ax + by, cx + dy), from (n,) each."""
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    return torch.stack([a, b, zero, c, d, zero, zero, zero, one], 1).view(-1, 3, 3)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    return torch.stack([one, zero, x, zero, one, y, zero, zero, one], 1).view(-1, 3, 3)


def _turn(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return _linear(cosine, -sine, sine, cosine)


def flip(u: Tensor, sides: Sides) -> Tensor:
    """Left to right, or not."""
    sign, zero = torch.where(u[:, 0] < 0.5, 1.0, -1.0), torch.zeros_like(u[:, 0])
    return _linear(sign, zero, zero, torch.ones_like(sign))


def quarter_turn(u: Tensor, sides: Sides) -> Tensor:
    """By 0 to 3 quarter turns. An image that is not square shows its repeated edge pixels where it does not reach."""
    return _turn((4 * u[:, 0]).floor() * (math.pi / 2))


def translation(u: Tensor, sides: Sides) -> Tensor:
    """By up to an eighth of the sides, in whole pixels."""
    by = (2 * u - 1) / 8 * u.new_tensor(sides[::-1])
    return _shift(*by.round().unbind(1))


def scale(u: Tensor, sides: Sides) -> Tensor:
    """By 2^N(0, .2²)."""
    s, zero = (0.2 * standard_normal(u[:, 0])).exp2(), torch.zeros_like(u[:, 0])
    return _linear(s, zero, zero, s)


def rotation(u: Tensor, sides: Sides) -> Tensor:
    """By any angle."""
    return _turn((2 * u[:, 0] - 1) * math.pi)


def squeeze(u: Tensor, sides: Sides) -> Tensor:
    """Along an axis at any angle by 2^N(0, .2²), and across by its inverse."""
    s, zero = (0.2 * standard_normal(u[:, 0])).exp2(), torch.zeros_like(u[:, 0])
    angle = (2 * u[:, 1] - 1) * math.pi
    return _turn(angle) @ _linear(s, zero, zero, 1 / s) @ _turn(-angle)


def offset(u: Tensor, sides: Sides) -> Tensor:
    """By N(0, ⅛²) of the sides."""
    return _shift(*(standard_normal(u) / 8 * u.new_tensor(sides[::-1])).unbind(1))


MOVES: dict[str, tuple[Move, int]] = {
    "flip": (flip, 1),
    "quarter": (quarter_turn, 1),
    "translation": (translation, 2),
    "scale": (scale, 1),
    "squeeze": (squeeze, 2),
    "rotation": (rotation, 1),
    "offset": (offset, 2),
}
"""With how many numbers each takes."""
