"""Images: uint8 (n, c, h, w), of which networks see float32 in [−1, 1]."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sparring.data import Dataset, Options
from sparring.data.facts import Facts
from sparring.data.image.contact_sheet import contact_sheet
from sparring.data.image.pixels import image_grid, to_pixels, to_unit
from sparring.data.image.read import read_headers
from sparring.data.load import DataSource, file_source, is_ready, load_images, load_ready, read_unsplit
from sparring.data.points import MIXTURES
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData
from sparring.metrics.image.judge import ImageJudge, judge_images
from sparring.modalities.array_source import InMemory, MemoryMapped
from sparring.modalities.base import Confidence, Modality, Preview, SampleStream, Words
from sparring.recipes.choose import Choice, DataSummary, choose_for_images
from sparring.storage.atomic import atomic_folder, atomic_write, cache_folder
from sparring.storage.npz import write_npz
from sparring.storage.paths import unique_names

JUDGED = 60_000
"""Images of a part of a prepared set that the judge reads: features of all of them would not fit in memory."""
FEATURES = {"stacked-mnist": "stacked"}
"""Features of named sets that are not judged by the default ones."""


class ImageModality(Modality):
    name = "image"
    words = Words("image", "images")
    preview_count = 64
    memory_format = torch.channels_last
    bf16_suffices = True
    """Images have 8 bits a value, as many as bf16."""
    augments = True

    @property
    def writers(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        return {".png": self._write_sheet, ".npz": _write_array, "": _write_folder}

    def probe(self, source: DataSource) -> Confidence | None:
        if source.ready:
            return None if source.spec in MIXTURES else Confidence(1.0, "a named or prepared set of images")
        if source.is_array:
            return Confidence(0.8, "a file that holds an array of images")
        return source.images and Confidence(0.5 if source.images.items else 0.1, "a place of image files")

    def load(self, source: DataSource) -> Dataset:
        return load_images(source)

    def encode(self, values: Tensor, facts: Facts) -> Tensor:
        return to_unit(values)

    def decode(self, shown: Tensor, facts: Facts) -> Tensor:
        return to_pixels(shown)

    def mirror(self, shown: Tensor) -> Tensor:
        """Left and right exchanged."""
        return shown.flip(-1)

    def preview(self, values: Tensor, facts: Facts, columns: int | None = None) -> Preview:
        return Preview.png(contact_sheet(values, columns))

    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> InMemory:
        return (MemoryMapped if data.mapped else InMemory)(self, data, device)

    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> ImageJudge:
        train, test = (data.train[:JUDGED], data.test[:JUDGED]) if data.mapped else (data.train, data.test)
        images = JudgeData(train.values, test.values, train.labels, data.classes, data.fingerprint, test.labels)
        return judge_images(images, cache_folder(), features or FEATURES.get(data.spec))

    def suggest(self, data: DataSummary) -> Choice:
        return choose_for_images(data)

    def read_samples(self, spec: str, like: Dataset) -> Tensor:
        """Images at the size they have: resizing would change scores."""
        values = load_ready(spec, Options()).test.values if is_ready(spec) else _read_unresized(spec, like.shape)
        if tuple(values.shape[1:]) != tuple(like.shape):
            raise UserError(
                f"{spec} holds {_sides(values.shape[1:])}, and {like.spec} {_sides(like.shape)}: not compared"
            )
        if len(values) < 2:
            raise UserError(f"{spec} has {len(values)} usable images: give 2 or more")
        return values

    def _write_sheet(self, samples: SampleStream, out: Path) -> None:
        """With several labels, a row for each."""
        columns = len(samples.numbers) if len(samples.labels) > 1 else None
        with atomic_write(out) as path:
            path.write_bytes(self.preview(samples.values, samples.facts, columns).content)


def _read_unresized(spec: str, shape: Sequence[int]) -> Tensor:
    source = file_source(spec)
    if source is None:
        return read_unsplit(spec, Options()).examples.values
    sizes = {header.size for header in read_headers(source) if header}
    if sizes - {tuple(shape[1:])}:
        raise UserError(
            f"{spec} holds pictures of {', '.join(_sides(size) for size in sorted(sizes)[:3])}: "
            f"bring all to {_sides(shape[1:])}, that of the reference, first; resizing is a part of the protocol"
        )
    # Images that are all grey keep three channels where the reference has three.
    channels = {3: "rgb", 4: "rgba"}.get(shape[0], "auto")
    return read_unsplit(spec, Options(size=(shape[1], shape[2]), channels=channels), source).examples.values


def _sides(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _write_array(samples: SampleStream, out: Path) -> None:
    with atomic_write(out) as path:
        write_npz(path, "images", samples.count, (chunk.permute(0, 2, 3, 1).numpy() for chunk in samples.chunks))


def _write_folder(samples: SampleStream, out: Path) -> None:
    """A PNG file for each sample, in a sub-folder of its class if there are several: it can be trained on by class."""
    safe = [label.replace("/", "_").replace("\\", "_").lstrip(".") for label in samples.labels]
    unique = unique_names(name or str(i) for i, name in enumerate(safe))
    folders = [f"{name}/" for name in unique] if len(safe) > 1 else [""]
    names = (f"{folder}{number:06d}" for folder in folders for number in samples.numbers)
    with atomic_folder(out) as aside:
        for chunk in samples.chunks:
            for image in chunk:
                path = aside / f"{next(names)}.png"
                path.parent.mkdir(exist_ok=True)
                image_grid(image[None], pad=0).save(path)


IMAGE = ImageModality()
