"""Images encoded and decoded again, written with the originals."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.apply.inputs import read_inputs
from sparring.data.files import Skipped
from sparring.data.image.pixels import image_grid
from sparring.errors.bounds import check_bounds
from sparring.models.model import Model
from sparring.storage.atomic import atomic_write, output_target, write_bytes


@dataclass(frozen=True, eq=False)
class Reconstructions:
    model: Model
    before: Tensor
    """uint8 (n, c, h, w)."""
    after: Tensor
    """uint8 (n, c, h, w)."""
    available: int
    """Images of the input, of which these are the first."""
    skipped: Skipped

    @property
    def error(self) -> float:
        """Mean squared error of brightness between 0 and 1."""
        return float((self.after.double() - self.before.double()).div(255).square().mean())


def reconstruct(model: Model, spec: str, n: int | None = None) -> Reconstructions:
    """The first n images of an input, or all, encoded and decoded again.

    Raises UserError for a model without an encoder, an input that can't be read, and n < 1.
    """
    check_bounds(n=n)
    model.encode(torch.zeros(1, *model.shape, dtype=torch.uint8))  # fails before anything is read
    pool = read_inputs(spec, model.shape)
    before = pool.examples.values[:n]
    return Reconstructions(model, before, model.reconstruct(before), len(pool.examples), pool.skipped)


def _png(pairs: Reconstructions, out: Path) -> None:
    """Each row of originals above its row of reconstructions."""
    columns = ceil((2 * len(pairs.before)) ** 0.5)
    blank = pairs.before.new_full((-len(pairs.before) % columns, *pairs.before.shape[1:]), 255)
    rows = [torch.cat([side, blank]).unflatten(0, (-1, columns)) for side in (pairs.before, pairs.after)]
    write_bytes(out, pairs.model.view(torch.stack(rows, 1).flatten(0, 2), columns).content)


def _npz(pairs: Reconstructions, out: Path) -> None:
    before, after = (x.permute(0, 2, 3, 1).numpy() for x in (pairs.before, pairs.after))
    with atomic_write(out) as path, open(path, "wb") as file:
        np.savez_compressed(file, originals=before, reconstructions=after)


def _folder(pairs: Reconstructions, out: Path) -> None:
    out.mkdir(parents=True)
    for i, image in enumerate(pairs.after):
        image_grid(image[None], pad=0).save(out / f"{i:06d}.png")


FORMATS: dict[str, Callable[[Reconstructions, Path], None]] = {".png": _png, ".npz": _npz, "": _folder}


def write_reconstructions(model: Model, spec: str, out: Path, n: int | None = None) -> Reconstructions:
    """Reconstructs images and writes them: a picture (.png) of originals above reconstructions, arrays (.npz: originals
    and reconstructions, (n, h, w, c)), or a folder of the reconstructions as PNG files, numbered in order.

    Raises UserError as `reconstruct`, and for an `out` that exists or can't be written.
    """
    with output_target(out, FORMATS, "reconstructions") as write:
        pairs = reconstruct(model, spec, n)
        write(pairs, out)
    return pairs
