"""Media: how examples are kept, what networks see of them, and what a person sees. The dict is the registry.

Networks see every medium as float32; images in [−1, 1], whatever range a network prefers inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from sparring.data.image.pixels import image_grid, to_pixels, to_unit
from sparring.data.points import scatter
from sparring.data.table.preview import histograms, sketch
from sparring.data.table.schema import Schema

LEAST_SIDE = 32
"""Small images are enlarged to about this side, to be looked at."""


@dataclass(frozen=True)
class Modality:
    encode: Callable[[Tensor], Tensor]
    """Kept values (n, …) → what networks see, float32 (n, …)."""
    decode: Callable[[Tensor], Tensor]
    """Its inverse, for what generators make."""
    picture: Callable[..., Image.Image]
    """Kept values (n, …) as one picture, of so many columns if it has any."""
    compare_picture: Callable[[Tensor, Tensor], Image.Image] | None = None
    """Real and made ones in one picture, where that is no matter of two side by side."""


def contact_sheet(values: Tensor, columns: int | None = None) -> Image.Image:
    """uint8 (n, c, h, w) as a grid, small images enlarged."""
    return image_grid(values, columns, scale=max(1, LEAST_SIDE // max(values.shape[2:])))


def dots(values: Tensor, columns: int | None = None) -> Image.Image:
    """Points (n, 2) in one frame."""
    return scatter(values)


MEDIA = {
    "image": Modality(to_unit, to_pixels, contact_sheet),
    "pair": Modality(to_unit, to_pixels, contact_sheet),
    "point": Modality(Tensor.float, Tensor.float, dots),
}
"""Those that are the same for all data."""


def of_schema(schema: Schema) -> Modality:
    """Tables with this schema."""

    def picture(values: Tensor, columns: int | None = None) -> Image.Image:
        return sketch(schema, values)

    def beside(real: Tensor, made: Tensor) -> Image.Image:
        return histograms(schema, {"real": real, "generated": made})

    return Modality(schema.encode, schema.decode, picture, beside)


def medium(name: str, schema: Schema | None = None) -> Modality:
    """By its name, and by the schema of tables."""
    return MEDIA[name] if schema is None else of_schema(schema)
