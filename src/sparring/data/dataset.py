"""What loading gives: images with labels, in two parts, with a fingerprint."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sparring.data.facts import PLAIN, Facts
from sparring.data.files import Skipped
from sparring.progress import progress_range

SPLIT_SEED = 0
TEST_EVERY = 6


@dataclass(frozen=True, eq=False)
class Split:
    """Examples of one shape, with their labels if they have any."""

    values: torch.Tensor
    """As the modality stores them: images uint8 (n, c, h, w), 0 to 255; points float32 (n, d); tables float64
    (n, columns), their cells."""
    labels: torch.Tensor | None = None
    """Classes, int64 (n,), an index into `Data.names`; or attributes, float32 (n, len(Data.names))."""
    condition: torch.Tensor | None = None
    """Of pictures made of pictures: what each is made of, uint8 (n, c', h', w')."""
    mask_known: torch.Tensor | None = None
    """Where there are holes in these: what is known, bool (n, 1, h', w')."""

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, which: slice | torch.Tensor) -> "Split":
        return Split(*(None if x is None else x[which] for x in self._tensors))  # pyright: ignore

    @property
    def _tensors(self) -> tuple[torch.Tensor | None, ...]:
        return self.values, self.labels, self.condition, self.mask_known


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set, loaded."""

    spec: str
    train: Split
    test: Split
    names: tuple[str, ...]
    """Of the classes by label, or of the attributes by column; empty if unlabelled."""
    fingerprint: str
    """16 hex characters of the sha256 over shapes, pixels and labels of both parts."""
    skipped: Skipped = ()
    """Files left out, with the reason."""
    remarks: tuple[str, ...] = ()
    """What was taken for what, where it could be doubted; printed before training."""
    modality: str = "image"
    """A name of `sparring.modalities.registry.MODALITIES`."""
    facts: Facts = PLAIN
    mirrored: bool = False
    """Train on mirrored copies too: whoever draws examples doubles the indices, for no copy is kept here."""
    mapped: bool = False
    """Values lie in a file mapped into memory: it may be larger than that, and reading may wait for the disk."""
    unpaired: str = ""
    """Of two domains: why what is given with an example is not its partner; nothing if it is."""
    select: Split | None = None
    """Of pictures made of pictures, and of small tables: held out of the train part, to choose weights by,"""
    leading: str = ""
    """with this metric, if it is not the judge's own choice."""

    @classmethod
    def of(
        cls, spec: str, train: Split, test: Split, names: tuple[str, ...], broken: Skipped = (), **more: Any
    ) -> "Dataset":
        """The data set with its fingerprint taken."""
        return cls(spec, train, test, names, digest(train, test)[:16], broken, **more)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an example as networks see it: an image's (c, h, w)."""
        return self.facts.shape_of(self.train.values)

    @property
    def classes(self) -> int:
        """How many classes; 0 if unlabelled, or labelled by attributes."""
        labels = self.train.labels
        return 0 if labels is None or labels.is_floating_point() else len(self.names)

    @property
    def attributes(self) -> int:
        """Width of a condition that is no class: attributes, or the options of a table's columns."""
        return self.facts.condition_width or len(self.scales)

    @property
    def layout(self) -> "dict[str, list[int] | int]":
        """Numbers by which networks are built for this data, by the name of their parameter."""
        inputs = {} if self.train.condition is None else {"inputs": self.train.condition.shape[1]}
        return self.facts.layout | inputs

    @property
    def scales(self) -> tuple[tuple[float, float], ...]:
        """Mean and deviation of each attribute in the train part; empty unless labelled by attributes."""
        labels = self.train.labels
        if labels is None or not labels.is_floating_point():
            return ()
        spread = labels.std(0, correction=0)
        return tuple(zip(labels.mean(0).tolist(), spread.where(spread > 0, 1.0).tolist(), strict=True))

    @property
    def shares(self) -> tuple[float, ...]:
        """Of each class in the train part; empty without classes."""
        labels = self.train.labels
        if not self.classes or labels is None:
            return ()
        return tuple((labels.bincount(minlength=self.classes) / len(labels)).tolist())


def standardise(labels: torch.Tensor, scales: Sequence[tuple[float, float]]) -> torch.Tensor:
    """Attributes (n, k) at mean 0 and deviation 1, as networks are given them; classes as they are."""
    if not scales:
        return labels
    mean, spread = torch.tensor(scales, dtype=labels.dtype).T
    return (labels - mean) / spread


@dataclass(frozen=True, eq=False)
class UnsplitDataset:
    """What a source without a split of its own holds."""

    examples: Split
    names: tuple[str, ...] = ()
    """As `Data.names`."""
    skipped: Skipped = ()
    files: tuple[str, ...] = ()
    """The file of each example; empty for arrays."""


def encode_labels(classes: Sequence[str]) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Class names, and labels (n,) that index them: whole numbers by value, else by the alphabet.

    A class without an example is gone, and one alone is no class.
    """
    found = set(classes)
    whole = all(re.fullmatch("-?[0-9]{1,18}", name) for name in found)
    names = sorted(found, key=(lambda name: (int(name), name)) if whole else str)
    if len(names) < 2:
        return (), None
    numbers = {name: i for i, name in enumerate(names)}
    return tuple(names), torch.tensor([numbers[name] for name in classes])


def split(examples: Split) -> tuple[Split, Split]:
    """Train and test part of a set that has no split of its own: shuffled by a fixed seed, every sixth is for test.

    A class that would be in the test part alone, as one with a single example can be, gives its first example there
    to the train part, as long as the test part keeps one. So every class can be trained on, and a class may be
    missing from the test part.
    """
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(SPLIT_SEED))
    testing = torch.arange(len(examples)) % TEST_EVERY == 0
    labels = examples.labels
    if labels is not None and not labels.is_floating_point():
        _give_back(labels[order], testing)
    return examples[order[~testing]], examples[order[testing]]


def _give_back(labels: torch.Tensor, testing: torch.Tensor) -> None:
    """Clears `testing` for one example of each class that is nowhere else."""
    for label in sorted(set(labels[testing].tolist()) - set(labels[~testing].tolist())):
        if testing.sum() > 1:
            testing[(testing & (labels == label)).nonzero()[0]] = False


def digest(*parts: Split) -> str:
    """sha256 over shapes, values and labels."""
    digest = hashlib.sha256()
    for part in parts:
        given = [] if part.condition is None else [part.condition]
        for tensor in (part.values, part.labels, *given):
            digest.update(repr(None if tensor is None else tuple(tensor.shape)).encode())
            for piece in () if tensor is None else _pieces(tensor):
                digest.update(piece.contiguous().numpy().data)
    return digest.hexdigest()


def _pieces(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Of some 64 MB each, with a bar for a person who waits."""
    rows = max(1, PIECE // max(1, tensor[:1].numel() * tensor.element_size()))
    for i in progress_range(-(-len(tensor) // rows), "fingerprint"):
        yield tensor[i * rows : (i + 1) * rows]


PIECE = 2**26
"""Bytes hashed at once."""
