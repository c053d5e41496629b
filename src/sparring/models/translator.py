"""A model that maps images to images."""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sparring.build.game import input_shape
from sparring.data import Split
from sparring.data.image.contact_sheet import side_by_side
from sparring.data.image.pixels import to_pixels, to_unit
from sparring.errors import UserError
from sparring.modalities.base import Preview
from sparring.models.model import Inputs, Model
from sparring.models.spaces import LatentSpace, evaluation_mode
from sparring.models.spec import ModelSpec
from sparring.models.tiling import TiledResult, apply_in_tiles

COLUMNS = 3
"""Images in a row of a preview: input, output, target."""


class ImageToImageModel(Model):
    """
    Args:
        validation: images to translate for scores and previews, with their targets.
    """

    def __init__(
        self,
        spec: ModelSpec,
        G: nn.Module,
        E: nn.Module | None = None,
        rows: Tensor | None = None,
        validation: Split | None = None,
    ):
        super().__init__(spec, G)
        self.validation = validation

    @cached_property
    def spaces(self) -> Mapping[str, LatentSpace]:
        """None: the generator has no latents."""
        return {}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of the images it was trained on: channels, height, width. Any height and width will do."""
        c, *sides = input_shape(self.spec.recipe, self.shape)
        return c - self.masked, *sides

    @property
    def masked(self) -> bool:
        """It fills holes, and needs a mask."""
        return bool(getattr(self.G, "masked", False))

    @property
    def scale(self) -> int:
        return int(getattr(self.G, "scale", 1))

    @property
    def local(self) -> bool:
        """Whether tiles of an image give the same output as the whole image."""
        return getattr(self.G, "reach", None) is not None

    def apply(self, images: Any, known: Any = None, tile: int = 0, label: str | Tensor | None = None) -> Any:
        """The translated images.

        Args:
            images: a tensor uint8 (n, c, h, w), or an array uint8 (h, w), (h, w, c) or (n, h, w, c), of any h and w.
            known: for models that fill holes, false where pixels are missing: a tensor bool (n, 1, h, w), or an array
                bool (h, w) or (n, h, w).
            tile: side of the tiles a large image is cut into, in pixels of the input; 0: none.
            label: for models with a target class, its name, or a class for each image, int64 (n,).

        Returns:
            A tensor or an array as `images`, channels last if an array, `scale` times as large. Known pixels are
            unchanged.

        Raises:
            UserError: images of another type or number of channels, a mask that is missing or does not fit, a class
                that is missing or unknown.
        """
        if isinstance(images, Tensor):
            return self.apply_tiled(images, known, tile, label).output
        x = np.asarray(images)
        if x.ndim not in (2, 3, 4):
            raise UserError(f"an array of {x.ndim} axes is no image: pass (h, w), (h, w, c) or (n, h, w, c)")
        x = x[..., None] if x.ndim == 2 else x
        batch = torch.from_numpy(np.ascontiguousarray(x[None] if x.ndim == 3 else x)).permute(0, 3, 1, 2)
        mask = None
        if known is not None:
            array = np.ascontiguousarray(known, dtype=bool)
            mask = torch.from_numpy(array).view(-1, 1, *array.shape[x.ndim - 3 :][:2])
        output = self.apply_tiled(batch, mask, tile, label).output.permute(0, 2, 3, 1).numpy()
        return output if x.ndim == 4 else output[0]

    def apply_tiled(
        self, images: Tensor, known: Tensor | None = None, tile: int = 0, label: str | Tensor | None = None
    ) -> TiledResult:
        """As `apply`, of a tensor, with the disagreement of the tiles."""
        self._check(images, known)
        if tile < 0:
            raise UserError(f"tile is {tile}: it is a side in pixels, or 0 for none")
        x = images if known is None else torch.cat([images, known.to(torch.uint8)], 1)
        G, translate = self.G, partial(self._translate, condition=self.target_domain(label, len(images)))
        return apply_in_tiles(translate, x, tile, getattr(G, "reach", None), int(getattr(G, "grain", 1)), self.scale)

    def target_domain(self, label: str | Tensor | None, n: int = 1) -> tuple[Tensor, ...]:
        """The generator's condition for n images: the target classes (n,), if it has any. Raises UserError for a class
        that is missing or unknown, or given to a model without classes."""
        name = self.spec.recipe.name
        if self.conditioning is None:
            if label is not None:
                raise UserError(f"{name} has no classes: omit the label, or train a recipe that has some (stargan)")
            return ()
        if label is None:
            raise UserError(f"{name} needs a target class: pass a label, one of {', '.join(self.classes)}")
        classes = self.conditioning.draw(n, label, torch.Generator()) if isinstance(label, str) else label
        return (classes.to(self.device),)

    @torch.no_grad()
    def _translate(self, images: Tensor, condition: tuple[Tensor, ...] = ()) -> Tensor:
        x = to_unit(images[:, : self.input_shape[0]])
        if self.masked:
            known = images[:, -1:].float()
            x = torch.cat([x * known, known], 1)
        with evaluation_mode(self.G):
            return to_pixels(self.G(x.to(next(self.G.parameters())), *condition).cpu())

    def _check(self, images: Tensor, known: Tensor | None) -> None:
        name, channels = self.spec.recipe.name, self.input_shape[0]
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != channels:
            actual = f"{str(images.dtype).removeprefix('torch.')} ({', '.join(map(str, images.shape))})"
            raise UserError(f"this {name} takes images uint8 (n, {channels}, h, w), not {actual}")
        if self.masked and known is None:
            raise UserError(f"{name} fills holes: pass a mask that says where they are")
        if known is None:
            return
        if not self.masked:
            raise UserError(f"{name} fills no holes: omit the mask")
        if tuple(known.shape) != (len(images), 1, *images.shape[2:]):
            actual, wanted = ("×".join(map(str, x.shape[-2:])) for x in (known, images))
            raise UserError(f"the mask is {actual}, the image {wanted} (height × width): use one of its size")

    def draw_inputs(self, seed: int, k: int = 0, label: str | None = None) -> Inputs:
        """Chunk k of the validation images, cyclically. Raises UserError if there are none."""
        split = self.validation
        if split is None or split.condition is None:
            raise UserError(f"{self.spec.recipe.name} translates images: use spar apply RUN IMAGES --out …")
        rows = torch.arange(k * self.chunk, (k + 1) * self.chunk) % len(split)
        mask = split.mask_known if self.masked else None
        extra = mask if self.conditioning is None else split.labels
        return [x[rows] for x in (split.condition, extra) if x is not None]

    def sampled_labels(self, n: int, seed: int = 0) -> Tensor | None:
        """The target classes of the validation images."""
        if self.conditioning is None or self.validation is None or self.validation.labels is None:
            return None
        return self.validation.labels[:n]

    def stream(
        self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None
    ) -> Iterator[Tensor]:
        """The translated first n validation images, of which there may be fewer."""
        return super().stream(n if self.validation is None else min(n, len(self.validation)), seed, None, None)

    def decode(self, inputs: Inputs, truncation: float | None = None) -> Tensor:
        images, extra = inputs[0], (*inputs[1:], None)[0]
        return self.apply(images, extra) if self.conditioning is None else self.apply(images, label=extra)

    def preview(self, n: int) -> Preview:
        """Validation images: input, output, target."""
        output = self.sample(max(1, n // COLUMNS))
        assert self.validation is not None and self.validation.condition is not None
        columns = [self.validation.condition[: len(output)], output, self.validation.values[: len(output)]]
        return Preview.png(side_by_side(columns))
