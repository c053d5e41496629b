"""A model that makes pictures of pictures."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sparring.build.image_to_image import input_shape
from sparring.data import Split
from sparring.data.image.contact_sheet import side_by_side
from sparring.data.image.pixels import to_pixels, to_unit
from sparring.errors import UserError
from sparring.models.model import Inputs, Model
from sparring.models.spec import ModelSpec
from sparring.models.tiling import TiledResult, apply_in_tiles

CHUNK = 50
ROW = 3
"""Pictures in a row to look at: what was given, what came of it, what is right."""


class ImageToImageModel(Model):
    """
    Args:
        held: pictures that are made again for scores and to look at, with the right answers.
    """

    def __init__(
        self,
        description: ModelSpec,
        G: nn.Module,
        E: nn.Module | None = None,
        rows: Tensor | None = None,
        held: Split | None = None,
    ):
        super().__init__(description, G)
        self.validation = held

    @property
    def chunk(self) -> int:
        return CHUNK

    @property
    def given_shape(self) -> tuple[int, ...]:
        """Of the pictures it was trained on: channels, height, width. It takes any height and width."""
        c, *sides = input_shape(self.spec.recipe, self.shape)
        return c - self.masked, *sides

    @property
    def masked(self) -> bool:
        """It fills holes, and has to be told where they are."""
        return bool(getattr(self.G, "masked", False))

    @property
    def scale(self) -> int:
        return int(getattr(self.G, "scale", 1))

    @property
    def local(self) -> bool:
        """Whether tiles of a picture give what the whole does."""
        return getattr(self.G, "reach", None) is not None

    def apply(self, pictures: Any, known: Any = None, tile: int = 0, label: str | Tensor | None = None) -> Any:
        """What the model makes of pictures.

        Args:
            pictures: a tensor uint8 (n, c, h, w), or an array uint8 (h, w), (h, w, c) or (n, h, w, c), of any h and w.
            known: for models that fill holes, false where pixels are lost: a tensor bool (n, 1, h, w), or an array bool
                (h, w) or (n, h, w).
            tile: side of the parts a large picture is cut into, in pixels of the input; 0: none.
            label: for models that move pictures to a class, its name, or a class for each, int64 (n,).

        Returns:
            The same kind, its channels last if it is an array, scale times as large. What is known comes out as it
            went in.

        Raises:
            UserError: pictures of another type or of other channels, a mask that lacks or does not fit, a class that
                lacks or is not there.
        """
        if isinstance(pictures, Tensor):
            return self.apply_tiled(pictures, known, tile, label).made
        x = np.asarray(pictures)
        if x.ndim not in (2, 3, 4):
            raise UserError(f"an array of {x.ndim} axes is no picture: give (h, w), (h, w, c) or (n, h, w, c)")
        x = x[..., None] if x.ndim == 2 else x
        many = torch.from_numpy(np.ascontiguousarray(x[None] if x.ndim == 3 else x)).permute(0, 3, 1, 2)
        mask = None
        if known is not None:
            held = np.ascontiguousarray(known, dtype=bool)
            mask = torch.from_numpy(held).view(-1, 1, *held.shape[x.ndim - 3 :][:2])
        made = self.apply_tiled(many, mask, tile, label).made.permute(0, 2, 3, 1).numpy()
        return made if x.ndim == 4 else made[0]

    def apply_tiled(
        self, pictures: Tensor, known: Tensor | None = None, tile: int = 0, label: str | Tensor | None = None
    ) -> TiledResult:
        """The same of a tensor, with what is to be known of the tiles."""
        self._check(pictures, known)
        if tile < 0:
            raise UserError(f"tile is {tile}: it is a side in pixels, or 0 for none")
        seen = pictures if known is None else torch.cat([pictures, known.to(torch.uint8)], 1)
        G, make = self.G, partial(self._made, towards=self.target_domain(label, len(pictures)))
        return apply_in_tiles(make, seen, tile, getattr(G, "reach", None), int(getattr(G, "grain", 1)), self.scale)

    def target_domain(self, label: str | Tensor | None, n: int = 1) -> tuple[Tensor, ...]:
        """What G is told beside n pictures: their classes (n,), if it moves them to such. Raises UserError for a class
        that lacks, is not there, or is not asked for."""
        name = self.spec.recipe.name
        if self.conditioning is None:
            if label is not None:
                raise UserError(f"{name} knows no classes: leave the label out, or train one that does (stargan)")
            return ()
        if label is None:
            raise UserError(f"{name} moves pictures to a class: give a label, one of {', '.join(self.classes)}")
        classes = self.conditioning.draw(n, label, torch.Generator()) if isinstance(label, str) else label
        return (classes.to(next(self.G.parameters()).device),)

    @torch.no_grad()
    def _made(self, seen: Tensor, towards: tuple[Tensor, ...] = ()) -> Tensor:
        like = next(self.G.parameters())
        x = to_unit(seen[:, : self.given_shape[0]])
        if self.masked:
            known = seen[:, -1:].float()
            x = torch.cat([x * known, known], 1)
        was_training = self.G.training
        made = self.G.eval()(x.to(like), *towards)
        self.G.train(was_training)
        return to_pixels(made.cpu())

    def _check(self, pictures: Tensor, known: Tensor | None) -> None:
        name, channels = self.spec.recipe.name, self.given_shape[0]
        if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != channels:
            told = f"{str(pictures.dtype).removeprefix('torch.')} ({', '.join(map(str, pictures.shape))})"
            raise UserError(f"this {name} takes pictures uint8 (n, {channels}, h, w), not {told}")
        if self.masked and known is None:
            raise UserError(f"{name} fills holes: say where they are with a mask")
        if known is None:
            return
        if not self.masked:
            raise UserError(f"{name} fills no holes: leave the mask out")
        if tuple(known.shape) != (len(pictures), 1, *pictures.shape[2:]):
            sides, other = ("×".join(map(str, x.shape[-2:])) for x in (pictures, known))
            raise UserError(f"the mask is {other}, the picture {sides} (height × width): give one of its size")

    def draw_inputs(self, seed: int, k: int = 0, label: str | None = None) -> Inputs:
        """Chunk k of the pictures held, from the first again after the last. Raises UserError if there are none."""
        if self.validation is None or self.validation.condition is None:
            name = self.spec.recipe.name
            raise UserError(f"{name} makes pictures of pictures, not of chance: spar apply RUN PICTURES --out …")
        rows = torch.arange(k * CHUNK, (k + 1) * CHUNK) % len(self.validation)
        told = (
            self.validation.labels
            if self.conditioning is not None
            else self.validation.mask_known
            if self.masked
            else None
        )
        return [x[rows] for x in (self.validation.condition, told) if x is not None]

    def sampled_labels(self, n: int, seed: int = 0) -> Tensor | None:
        """The classes that pictures held are moved to."""
        return (
            None
            if self.conditioning is None or self.validation is None or self.validation.labels is None
            else self.validation.labels[:n]
        )

    def stream(
        self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None
    ) -> Iterator[Tensor]:
        """What it makes of the first n pictures held, of which there may be fewer."""
        return super().stream(n if self.validation is None else min(n, len(self.validation)), seed, None, None)

    def decode(self, inputs: Inputs, truncation: float | None = None) -> Tensor:
        pictures, told = inputs[0], (*inputs[1:], None)[0]
        return self.apply(pictures, told) if self.conditioning is None else self.apply(pictures, label=told)

    def preview(self, n: int) -> Image.Image:
        """Some of the pictures held: given, made, right."""
        made = self.sample(max(1, n // ROW))
        assert self.validation is not None and self.validation.condition is not None
        return side_by_side([self.validation.condition[: len(made)], made, self.validation.values[: len(made)]])
