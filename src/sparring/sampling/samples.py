"""Writing samples to disk, in the format of the path's ending."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.modalities.base import SampleStream
from sparring.models.model import Inputs, Model
from sparring.networks.rows import RowGenerator
from sparring.parallel import parallel_map
from sparring.progress import with_progress
from sparring.sampling.rows import sample_rows
from sparring.storage.atomic import output_target
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

    @property
    def of_rows(self) -> bool:
        """Whether the generator decides rows of a table column by column."""
        return isinstance(self.model.G, RowGenerator)

    def __iter__(self) -> Iterator[Tensor]:
        """Chunks of samples, or parts of chunks; with a progress bar."""
        if self.of_rows:
            yield self._rows()
            return
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

    def _rows(self) -> Tensor:
        if self.seeds or self.labels or self.truncation is not None:
            raise UserError("rows of a table have no seeds, labels or truncation: use --where")
        return sample_rows(self.model, self.n, self.seed, self.where)

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


def write_samples(samples: Samples, out: Path, precision: str = "fp32") -> None:
    """Writes samples, whole or not at all: a picture (.png), an array (.npz: images (n, h, w, c)), a folder of PNG
    files, a table (.csv, .parquet). Except for pictures and tables, one chunk is in memory at a time.

    Args:
        precision: see `sparring.training.tuning.machine.autotuned_sampling`.

    Raises:
        UserError: an ending that the modality does not support, a seed or label given twice, a path that exists or
            can't be written, or an unknown precision.
    """
    model = samples.model
    if samples.where and not samples.of_rows:
        raise UserError("--where is for rows of a table: omit it, or use --label")
    _refuse_repeated("seed", samples.seeds)
    _refuse_repeated("label", samples.labels)
    stream = SampleStream(samples, samples.count, model.spec.facts, samples.seeds or range(samples.n), samples.labels)
    with (
        output_target(out, model.modality.writers, model.modality.words.examples) as writer,
        torch.inference_mode(),
        autotuned_sampling(model, samples.count, precision),
    ):
        writer(stream, out)


def _refuse_repeated(what: str, values: Sequence[object]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise UserError(f"{what} {value} is given {count} times: give each once")
