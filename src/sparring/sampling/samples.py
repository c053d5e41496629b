"""Writing samples to disk, in the format of the path's ending."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.image.pixels import image_grid
from sparring.data.table import arrow
from sparring.errors import UserError
from sparring.models.model import Inputs, Model
from sparring.parallel import parallel_map
from sparring.progress import with_progress
from sparring.sampling.npz import write_npz
from sparring.sampling.rows import sample_rows, schema_of
from sparring.storage.atomic import atomic_folder, atomic_write, output_target
from sparring.training.tuning.machine import MIN_SAMPLES, autotuned_sampling


@dataclass(frozen=True)
class Samples:
    """Samples that are drawn while they are written, so that any number fits in memory."""

    model: Model
    n: int
    seed: int = 0
    seeds: tuple[int, ...] = ()
    """One sample of each, instead of n samples of `seed`."""
    truncation: float | None = None
    labels: tuple[str, ...] = ()
    """Classes, n samples of each, all of the same latents; a row each in a picture."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """For tables: values that all rows have."""

    def __iter__(self) -> Iterator[Tensor]:
        """Chunks of samples, or parts of chunks; with a progress bar."""
        cores = torch.get_num_threads() if self._parallel else 1
        chunks = max(1, -(-self.each // self.model.chunk)) * max(1, len(self.labels))
        yield from with_progress(self._drawn(cores), cores * chunks, "samples")

    def _drawn(self, cores: int) -> Iterator[Tensor]:
        size, decode = self.model.chunk, partial(self.model.decode, truncation=self.truncation)
        for label in self.labels or (None,):
            if cores > 1:
                yield from parallel_map(decode, self._inputs(label, cores))
            elif not self.seeds:
                yield from self.model.stream(self.n, self.seed, self.truncation, label)
            for start in range(0, len(self.seeds), size):
                yield self.model.sample_seeds(self.seeds[start : start + size], self.truncation, label)

    def _inputs(self, label: str | None, parts: int) -> Iterator[Inputs]:
        """The inputs of each chunk, split into parts, which together need no more memory than the chunk."""
        for chunk in self.model.chunks(self.n, self.seed, label):
            yield from zip(*(x.tensor_split(parts) for x in chunk), strict=True)

    @property
    def _parallel(self) -> bool:
        """Whether each core draws a part of a chunk, which may change the rounding of samples."""
        return not self.seeds and self.count >= MIN_SAMPLES and next(self.model.G.parameters()).device.type == "cpu"

    @property
    def each(self) -> int:
        """Samples of each class, or of all."""
        return len(self.seeds) or self.n

    @property
    def count(self) -> int:
        return self.each * max(1, len(self.labels))

    @property
    def all(self) -> Tensor:
        return torch.cat(list(self))


Writer = Callable[[Samples, Path], None]


def _png(samples: Samples, out: Path) -> None:
    columns = samples.n if len(samples.labels) > 1 else None
    picture = samples.model.medium.picture(samples.all, columns)
    with atomic_write(out) as path:
        picture.save(path, "PNG")


def _images(samples: Samples, out: Path) -> None:
    with atomic_write(out) as path:
        write_npz(path, "images", samples.count, (chunk.permute(0, 2, 3, 1).numpy() for chunk in samples))


def _folder(samples: Samples, out: Path) -> None:
    numbers = samples.seeds or range(samples.n)
    names = (f"{label}{number:06d}" for label in _prefixes(samples.labels) for number in numbers)
    with atomic_folder(out) as aside:
        for chunk in samples:
            for image in chunk:
                path = aside / f"{next(names)}.png"
                path.parent.mkdir(exist_ok=True)
                image_grid(image[None], pad=0).save(path)


def _prefixes(labels: tuple[str, ...]) -> list[str]:
    """A sub-folder for each class, if there are several, so that the folder is a labelled data set."""
    safe = [label.replace("/", "_").replace("\\", "_").lstrip(".") for label in labels]
    return [f"{name or i}/" for i, name in enumerate(safe)] if len(labels) > 1 else [""]


def _points(samples: Samples, out: Path) -> None:
    with atomic_write(out) as path:
        write_npz(path, "points", samples.count, (chunk.numpy() for chunk in samples))


def _csv(samples: Samples, out: Path) -> None:
    with atomic_write(out) as path, open(path, "w") as file:
        file.write("x,y\n")
        for chunk in samples:
            np.savetxt(file, chunk.numpy(), fmt="%.7g", delimiter=",")


def _table(samples: Samples, out: Path) -> None:
    if samples.seeds or samples.labels or samples.truncation is not None:
        raise UserError("rows of a table have no seeds, labels or truncation: use --where")
    model = samples.model
    table = schema_of(model).table(sample_rows(model, samples.n, samples.seed, samples.where))
    with atomic_write(out) as path:
        arrow.write_table_file(table, path, out.suffix)


WRITERS: dict[str, dict[str, Writer]] = {
    "image": {".png": _png, ".npz": _images, "": _folder},
    "point": {".png": _png, ".npz": _points, ".csv": _csv},
    "table": {".csv": _table, ".parquet": _table},
}


def write_samples(samples: Samples, out: Path, precision: str = "fp32") -> None:
    """Writes samples, whole or not at all: a picture (.png), an array (.npz: images (n, h, w, c)), a folder of PNG
    files, a table (.csv, .parquet). Except for pictures and tables, one chunk is in memory at a time.

    Args:
        precision: see `sparring.training.tuning.machine.autotuned_sampling`.

    Raises:
        UserError: an ending that the modality does not support, a path that exists or can't be written, or an unknown
            precision.
    """
    medium = samples.model.spec.recipe.modality
    if samples.where and medium != "table":
        raise UserError("--where is for rows of a table: omit it, or use --label")
    model = samples.model
    with (
        output_target(out, WRITERS[medium], f"{medium}s") as writer,
        torch.inference_mode(),
        autotuned_sampling(model, samples.count, precision),
    ):
        writer(samples, out)
