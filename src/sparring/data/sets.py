"""What loading gives: images with labels, in two parts, with a fingerprint."""

import hashlib
from dataclasses import dataclass

import torch

SPLIT_SEED = 0
TEST_EVERY = 6


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size, with their labels if they have any."""

    pixels: torch.Tensor
    """uint8 (n, c, h, w), 0 to 255."""
    labels: torch.Tensor | None = None
    """int64 (n,), an index into `Data.names`."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, which: slice | torch.Tensor) -> "Images":
        return Images(self.pixels[which], None if self.labels is None else self.labels[which])


@dataclass(frozen=True, eq=False)
class Data:
    """A data set, loaded."""

    spec: str
    train: Images
    test: Images
    names: tuple[str, ...]
    """Class names by label; empty if unlabelled."""
    fingerprint: str
    """16 hex characters of the sha256 over shapes, pixels and labels of both parts."""
    broken: tuple[tuple[str, str], ...] = ()
    """Files left out, with the reason."""

    @classmethod
    def of(
        cls, spec: str, train: Images, test: Images, names: tuple[str, ...], broken: tuple[tuple[str, str], ...] = ()
    ) -> "Data":
        """The data set with its fingerprint taken."""
        return cls(spec, train, test, names, _fingerprint(train, test), broken)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of an image."""
        c, h, w = self.train.pixels.shape[1:]
        return c, h, w

    @property
    def classes(self) -> int:
        """How many classes; 0 if unlabelled."""
        return len(self.names)


def split(images: Images) -> tuple[Images, Images]:
    """Train and test part of a set that has no split of its own: shuffled by a fixed seed, every sixth is for test."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SPLIT_SEED))
    testing = torch.arange(len(images)) % TEST_EVERY == 0
    return images[order[~testing]], images[order[testing]]


def _fingerprint(*parts: Images) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for tensor in (part.pixels, part.labels):
            digest.update(repr(None if tensor is None else tuple(tensor.shape)).encode())
            if tensor is not None:
                digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]
