"""Damage that restoration learns to undo: steps one behind the other, each stated as text, such as `noise:0.1-0.5`.

What is random in them is drawn by a generator for the whole batch, like every random input of a game, so damaged copies
are made on the fly and are the same for the same seed, however a batch is sliced.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sparring.data.image.pixels import to_pixels, to_unit
from sparring.degrade.operations import STEPS, Shape, Step, parse_step
from sparring.errors import UserError
from sparring.game import Draw

CHUNK = 100
"""Images that are damaged at once, each chunk by a stream of its own: image i does not depend on how many there are."""


class Degradation:
    """Steps in this order, such as ("blur:0.5-2", "noise:0.05"); `STEPS` names them all.

    Raises UserError for a step that is not there, a number it does not take, and holes beside a change of size.
    """

    def __init__(self, steps: Sequence[str]):
        self.steps: list[tuple[str, Step]] = [(f"{i}.{text}", parse_step(text)) for i, text in enumerate(steps)]
        self.hides = any(step.hides for _, step in self.steps)
        if self.hides and self.scale > 1:
            raise UserError("holes and downscale do not go together: take one of them")

    @property
    def scale(self) -> int:
        """How many times smaller a damaged copy is."""
        found = 1
        for _, step in self.steps:
            found *= step.scale
        return found

    def inputs(self, shape: Shape) -> Shape:
        """Of a damaged copy of images of this shape; where there are holes, the last channel says what is known.

        Raises UserError for sides that can't be divided by the scale.
        """
        if shape[1] % self.scale or shape[2] % self.scale:
            raise UserError(f"images of {shape[1]}×{shape[2]} can't be made {self.scale} times smaller: choose --size")
        after = self._shapes(shape)[-1]
        return after[0] + self.hides, *after[1:]

    def _shapes(self, shape: Shape) -> list[Shape]:
        """Before each step, and after the last."""
        shapes = [shape]
        for _, step in self.steps:
            shapes.append(step.shape(shapes[-1]))
        return shapes

    @property
    def draws(self) -> dict[str, Draw]:
        """Random inputs of the steps that have any, by name."""

        def of(i: int, draw: Draw) -> Draw:
            return lambda n, shape, generator: draw(n, self._shapes(shape)[i], generator)

        return {name: of(i, step.draw) for i, (name, step) in enumerate(self.steps) if step.draw}

    def __call__(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Damaged copies of images (n, c, h, w) in [−1, 1], as a file of 8 bits would keep them; what is lost is 0, and
        behind the channels stands a mask, 1 where pixels are known, if there are holes."""
        known = torch.ones_like(x[:, :1])
        for name, step in self.steps:
            x = step.change(x, drawn.get(name, x))
            known = known * (1 - drawn[name].to(x)) if step.hides else known
        kept = ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        return torch.cat([kept * known, known], 1) if self.hides else kept

    def of(self, pixels: Tensor, seed: int = 0) -> tuple[Tensor, Tensor | None]:
        """uint8 (n, c, h, w) → damaged copies, uint8 (n, c', h', w'), and what is known of them, bool (n, 1, h, w), if
        there are holes. The same for the same seed."""
        parts = []
        for k, part in enumerate(pixels.split(CHUNK)):
            g = torch.Generator().manual_seed(seed * 1_000_003 + k)
            # A whole chunk is drawn, whatever is left of it.
            drawn = {name: draw(CHUNK, tuple(part.shape[1:]), g)[: len(part)] for name, draw in self.draws.items()}
            parts.append(self(to_unit(part), drawn))
        x = torch.cat(parts)
        return (to_pixels(x[:, :-1]), x[:, -1:] > 0) if self.hides else (to_pixels(x), None)


__all__ = ["STEPS", "Degradation"]
