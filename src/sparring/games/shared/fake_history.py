"""A pool of past fakes."""

import torch
from torch import Tensor, nn


class FakeHistory(nn.Module):
    """Past fakes that replace every other new fake before the critic: Shrivastava et al. 2017 (arXiv:1612.07828),
    section 2.3; Zhu et al. 2017 (arXiv:1703.10593), section 4."""

    images: Tensor
    held: Tensor

    def __init__(self, shape: tuple[int, ...], size: int = 50):
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("held", torch.zeros((), dtype=torch.long))

    def sample_or_replace(self, fake: Tensor, u: Tensor) -> Tensor:
        """Each of (n, …) itself; or, with a full pool and u (n, 2) uniform, a past one with probability ½."""
        swap = (u[:, 0] < 0.5) & (self.held >= self.size)
        past = self.images[(u[:, 1] * self.size).long()].to(fake)
        return torch.where(swap.view(-1, *[1] * (fake.dim() - 1)), past, fake)

    def push(self, fakes: Tensor, u: Tensor) -> None:
        """Adds new fakes; in a full pool they replace those that `sample_or_replace` returned for the same u."""
        for fake, (chance, place) in zip(fakes, u.tolist(), strict=True):
            full = int(self.held) >= self.size
            if not full or chance < 0.5:
                self.images[int(place * self.size) if full else int(self.held)] = fake
            self.held += not full
