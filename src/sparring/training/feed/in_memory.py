"""A set that fits, held as it is kept (uint8 for images) on the training device; batches are cut there, without worker
processes."""

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.dataset import standardise
from sparring.modalities.base import medium


class InMemory:
    def __init__(self, data: Dataset, device: torch.device):
        self.values, self.mirrored, self.scale = data.train.values.to(device), data.mirrored, data.value_scale
        self.labels = None if data.train.labels is None else standardise(data.train.labels, data.scales).to(device)
        self.encode = medium(data.medium, data.schema).encode

    def __len__(self) -> int:
        return len(self.values) * (1 + self.mirrored)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """(n,) indices → real (n, …), and its classes (n,) or standardised attributes (n, k).

        Every image is there a second time, mirrored, if the data says so.
        """
        which = indices % len(self.values)
        return self.seen(self.values[which], indices), None if self.labels is None else self.labels[which]

    def seen(self, values: Tensor, indices: Tensor) -> Tensor:
        """What networks see of the kept values at these indices."""
        real = self.encode(values) / self.scale
        if self.mirrored:
            again = (indices >= len(self.values)).view(-1, *[1] * (real.dim() - 1))
            real = torch.where(again, real.flip(-1), real)
        return real


class MemoryMapped(InMemory):
    """A set that may not fit: its values stay in the file they are mapped from, and batches are read ahead of the loop
    (see `sparring.training.loop.batches.Slow`)."""

    def __init__(self, data: Dataset, device: torch.device):
        super().__init__(data, torch.device("cpu"))
        self.device = device

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """By NumPy: in each thread that reads, PyTorch would start threads of its own, beside those that train."""
        values = torch.from_numpy(self.values.numpy()[(indices % len(self.values)).numpy()])
        return values.pin_memory() if self.device.type == "cuda" else values, indices

    def from_rows(self, rows: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
        values, indices = rows
        # From pinned memory a GPU fetches them while the loop goes on.
        real = self.seen(values.to(self.device, non_blocking=True), indices.to(self.device))
        return real, None if self.labels is None else self.labels[indices % len(self.values)].to(self.device)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.from_rows(self.rows(indices.cpu()))
