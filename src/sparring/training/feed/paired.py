"""Pictures with what each is made of, held on the training device."""

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.training.feed.in_memory import InMemory


class Paired(InMemory):
    def __init__(self, data: Dataset, device: torch.device):
        super().__init__(data, device)
        assert data.train.condition is not None
        self.inputs = data.train.condition.to(device)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """(n,) indices → real (n, c, h, w), and what is given with it, (n, c', h', w'), mirrored with it."""
        which = indices % len(self.values)
        return self.seen(self.values[which], indices), self.seen(self.inputs[which], indices)
