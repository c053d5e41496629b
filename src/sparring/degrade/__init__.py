"""Image degradations that restoration learns to undo: a pipeline of steps such as `noise:0.1-0.5`.

Random inputs are drawn for the whole batch, so degraded copies depend on the seed only, not on micro-batches.
"""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from sparring.data.image.pixels import to_pixels, to_unit
from sparring.degrade.operations import STEPS, Shape, Step, parse_step
from sparring.errors import UserError
from sparring.game import Draw

CHUNK = 100
"""Images degraded at once. Each chunk has its own random stream, so image i does not depend on their number."""


class Degradation:
    """A sequence of steps, such as ("blur:0.5-2", "noise:0.05"); `STEPS` lists them.

    Raises UserError for an unknown step, invalid numbers, and for holes combined with downscaling.
    """

    def __init__(self, steps: Sequence[str]):
        self.steps: list[tuple[str, Step]] = [(f"{i}.{text}", parse_step(text)) for i, text in enumerate(steps)]
        self.hides = any(step.hides for _, step in self.steps)
        if self.hides and self.scale > 1:
            raise UserError("holes and downscale can't be combined: use one of them")

    @property
    def scale(self) -> int:
        """Factor by which the sides shrink."""
        return prod(step.scale for _, step in self.steps)

    def inputs(self, shape: Shape) -> Shape:
        """Shape of degraded copies of images (c, h, w); holes add a mask channel.

        Raises UserError for sides that are not multiples of the scale.
        """
        if shape[1] % self.scale or shape[2] % self.scale:
            raise UserError(f"images of {shape[1]}×{shape[2]} can't be downscaled by {self.scale}: choose --size")
        after = self._shapes(shape)[-1]
        return after[0] + self.hides, *after[1:]

    def _shapes(self, shape: Shape) -> list[Shape]:
        """Shapes before each step, and after the last."""
        shapes = [shape]
        for _, step in self.steps:
            shapes.append(step.shape(shapes[-1]))
        return shapes

    @property
    def draws(self) -> dict[str, Draw]:
        """Random inputs of the steps, by name."""

        def of(i: int, draw: Draw) -> Draw:
            return lambda n, shape, generator: draw(n, self._shapes(shape)[i], generator)

        return {name: of(i, step.draw) for i, (name, step) in enumerate(self.steps) if step.draw}

    def __call__(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Degraded copies of images (n, c, h, w) in [−1, 1], rounded to 8 bits.

        With holes, missing pixels are 0 and the last channel is a mask, 1 where pixels are known.
        """
        known = torch.ones_like(x[:, :1])
        for name, step in self.steps:
            x = step.change(x, drawn.get(name, x))
            known = known * (1 - drawn[name].to(x)) if step.hides else known
        rounded = ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        return torch.cat([rounded * known, known], 1) if self.hides else rounded

    def of(self, pixels: Tensor, seed: int = 0) -> tuple[Tensor, Tensor | None]:
        """Degraded copies of uint8 images (n, c, h, w): uint8 (n, c', h', w'), and with holes the mask of known pixels,
        bool (n, 1, h, w). A function of the seed."""
        parts = []
        for k, part in enumerate(pixels.split(CHUNK)):
            g = torch.Generator().manual_seed(seed * 1_000_003 + k)
            # Draw for a whole chunk, so that the last one does not depend on its length.
            drawn = {name: draw(CHUNK, tuple(part.shape[1:]), g)[: len(part)] for name, draw in self.draws.items()}
            parts.append(self(to_unit(part), drawn))
        x = torch.cat(parts)
        return (to_pixels(x[:, :-1]), x[:, -1:] > 0) if self.hides else (to_pixels(x), None)


__all__ = ["STEPS", "Degradation"]
