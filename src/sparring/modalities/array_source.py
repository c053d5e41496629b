"""Training data as arrays of stored values on the training device; batches are indexed there, without workers."""

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.dataset import standardise
from sparring.modalities.base import Modality


class InMemory:
    def __init__(self, modality: Modality, data: Dataset, device: torch.device):
        self.modality, self.facts, self.mirrored = modality, data.facts, data.mirrored
        self.values = data.train.values.to(device)
        self.labels = None if data.train.labels is None else standardise(data.train.labels, data.scales).to(device)

    def __len__(self) -> int:
        return len(self.values) * (1 + self.mirrored)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """(n,) indices → real (n, …), and its classes (n,) or standardised attributes (n, k).

        If the data is mirrored, the second half of the indices are mirrored copies.
        """
        which = indices % len(self.values)
        return self.seen(self.values[which], indices), None if self.labels is None else self.labels[which]

    def seen(self, values: Tensor, indices: Tensor) -> Tensor:
        """What networks see of the stored values at these indices."""
        real = self.modality.encode(values, self.facts)
        if self.mirrored:
            again = (indices >= len(self.values)).view(-1, *[1] * (real.dim() - 1))
            real = torch.where(again, self.modality.mirror(real), real)
        return real


class MemoryMapped(InMemory):
    """Values that stay in a file mapped into memory, and may not fit there; batches are read ahead of the loop (see
    `sparring.training.loop.batches.TwoStageSource`)."""

    def __init__(self, modality: Modality, data: Dataset, device: torch.device):
        super().__init__(modality, data, torch.device("cpu"))
        self.device = device

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        # By NumPy: PyTorch would start threads in each thread that reads, which compete with those that train.
        values = torch.from_numpy(self.values.numpy()[(indices % len(self.values)).numpy()])
        return values.pin_memory() if self.device.type == "cuda" else values, indices

    def from_rows(self, rows: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
        values, indices = rows
        # From pinned memory a GPU copies them while the loop goes on.
        real = self.seen(values.to(self.device, non_blocking=True), indices.to(self.device))
        return real, None if self.labels is None else self.labels[indices % len(self.values)].to(self.device)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.from_rows(self.rows(indices.cpu()))


class Paired(InMemory):
    """Images with those that they are made from."""

    def __init__(self, modality: Modality, data: Dataset, device: torch.device):
        super().__init__(modality, data, device)
        assert data.train.condition is not None
        self.inputs = data.train.condition.to(device)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """(n,) indices → real (n, c, h, w), and the inputs (n, c', h', w'), mirrored together."""
        which = indices % len(self.values)
        return self.seen(self.values[which], indices), self.seen(self.inputs[which], indices)
