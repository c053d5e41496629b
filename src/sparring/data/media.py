"""Media: how examples are kept, what networks see of them, and what a person sees. The dict is the registry.

Networks see every medium as float32; images in [−1, 1], whatever range a network prefers inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from sparring.data.pixels import grid, to_pixels, to_unit
from sparring.data.points import scatter

LEAST_SIDE = 32
"""Small images are enlarged to about this side, to be looked at."""


@dataclass(frozen=True)
class Medium:
    encode: Callable[[Tensor], Tensor]
    """Kept values (n, …) → what networks see, float32 (n, …)."""
    decode: Callable[[Tensor], Tensor]
    """Its inverse, for what generators make."""
    picture: Callable[..., Image.Image]
    """Kept values (n, …) as one picture, of so many columns if it has any."""


def contact_sheet(values: Tensor, columns: int | None = None) -> Image.Image:
    """uint8 (n, c, h, w) as a grid, small images enlarged."""
    return grid(values, columns, scale=max(1, LEAST_SIDE // max(values.shape[2:])))


def dots(values: Tensor, columns: int | None = None) -> Image.Image:
    """Points (n, 2) in one frame."""
    return scatter(values)


MEDIA = {
    "image": Medium(to_unit, to_pixels, contact_sheet),
    "point": Medium(Tensor.float, Tensor.float, dots),
}
