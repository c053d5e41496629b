"""Samples on disk; the path's ending says in what form."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sparring.data.pixels import grid
from sparring.errors import UserError
from sparring.files import written_aside
from sparring.model import Model

Writer = Callable[[Model, int, int, Path], None]


def _png(model: Model, n: int, seed: int, out: Path) -> None:
    picture = grid(model.sample(n, seed), scale=max(1, 32 // model.shape[1]))
    with written_aside(out) as path:
        picture.save(path, "PNG")


def _npz(model: Model, n: int, seed: int, out: Path) -> None:
    with written_aside(out) as path, open(path, "wb") as file:
        np.savez_compressed(file, images=model.sample(n, seed).permute(0, 2, 3, 1).numpy())


def _folder(model: Model, n: int, seed: int, out: Path) -> None:
    out.mkdir(parents=True)
    i = 0
    for chunk in model.stream(n, seed):
        for image in chunk:
            grid(image[None], pad=0).save(out / f"{i:06d}.png")
            i += 1


WRITERS: dict[str, Writer] = {".png": _png, ".npz": _npz, "": _folder}


def write(model: Model, n: int, seed: int, out: Path) -> None:
    """Writes n samples: a grid (.png), images (n, h, w, c) in an .npz, or a folder of PNG files.

    Raises UserError for another ending, a path that exists, or one that can't be written.
    """
    if n < 1:
        raise UserError(f"can't draw {n} samples: ask for 1 or more")
    if out.suffix not in WRITERS:
        raise UserError(f"can't write '{out.suffix}' files: end --out with .png or .npz, or name a folder")
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    if out.suffix and not out.parent.is_dir():
        raise UserError(f"there is no folder {out.parent} to write {out.name} into")
    try:
        WRITERS[out.suffix](model, n, seed, out)
    except OSError as error:
        raise UserError(f"can't write {out}: {error.strerror}") from None
