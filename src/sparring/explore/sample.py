"""Samples on disk; the path's ending says in what form, the medium what forms there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data.pixels import grid
from sparring.errors import UserError
from sparring.files import written_aside
from sparring.model import Model


@dataclass(frozen=True)
class Samples:
    """Drawn as they are written, so that any number fits in memory."""

    model: Model
    n: int
    seed: int = 0
    seeds: tuple[int, ...] = ()
    """One sample of each, instead of n of one seed."""
    truncation: float | None = None

    def __iter__(self):
        if self.seeds:
            return iter([self.model.sample_seeds(self.seeds, self.truncation)])
        return self.model.stream(self.n, self.seed, self.truncation)

    @property
    def all(self) -> Tensor:
        return torch.cat(list(self))


Writer = Callable[[Samples, Path], None]


def _png(samples: Samples, out: Path) -> None:
    picture = samples.model.medium.picture(samples.all)
    with written_aside(out) as path:
        picture.save(path, "PNG")


def _images(samples: Samples, out: Path) -> None:
    with written_aside(out) as path, open(path, "wb") as file:
        np.savez_compressed(file, images=samples.all.permute(0, 2, 3, 1).numpy())


def _folder(samples: Samples, out: Path) -> None:
    out.mkdir(parents=True)
    names = iter(samples.seeds or range(samples.n))
    for chunk in samples:
        for image in chunk:
            grid(image[None], pad=0).save(out / f"{next(names):06d}.png")


def _points(samples: Samples, out: Path) -> None:
    with written_aside(out) as path, open(path, "wb") as file:
        np.savez_compressed(file, points=samples.all.numpy())


def _csv(samples: Samples, out: Path) -> None:
    with written_aside(out) as path:
        np.savetxt(path, samples.all.numpy(), fmt="%.7g", delimiter=",", header="x,y", comments="")


WRITERS: dict[str, dict[str, Writer]] = {
    "image": {".png": _png, ".npz": _images, "": _folder},
    "point": {".png": _png, ".npz": _points, ".csv": _csv},
}


def write(samples: Samples, out: Path) -> None:
    """Writes samples: a picture (.png), an array (.npz: images (n, h, w, c)), a folder of PNG files, a table (.csv).

    Raises UserError for an ending the medium has no form for, a path that exists, or one that can't be written.
    """
    medium = samples.model.description.recipe.medium
    if out.suffix not in WRITERS[medium]:
        endings = ", ".join(suffix or "no ending (a folder)" for suffix in WRITERS[medium])
        raise UserError(f"can't write {medium}s as '{out.suffix}': end --out with one of {endings}")
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    if out.suffix and not out.parent.is_dir():
        raise UserError(f"there is no folder {out.parent} to write {out.name} into")
    try:
        WRITERS[medium][out.suffix](samples, out)
    except OSError as error:
        raise UserError(f"can't write {out}: {error.strerror}") from None
