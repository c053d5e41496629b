"""Several processes on one game: averaged gradients, gathered records. One process is the case of one rank."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    rank: int = 0
    world: int = 1

    @classmethod
    def here(cls) -> "Ranks":
        """This process's place in the default process group, if there is one."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes its mean over the ranks, in place, in one collective."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        flat /= self.world
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def gather(self, tensor: Tensor) -> Tensor:
        """The ranks' slices (n, …), put together in order: (world · n, …)."""
        if self.world == 1:
            return tensor
        slices = [torch.empty_like(tensor) for _ in range(self.world)]
        dist.all_gather(slices, tensor.contiguous())
        return torch.cat(slices)
