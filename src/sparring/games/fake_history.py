"""What a critic is shown of the past, so that it does not forget it."""

import torch
from torch import Tensor, nn


class FakeHistory(nn.Module):
    """Fakes of the past, shown to a critic in place of every other new one: Shrivastava et al. 2017 (arXiv:1612.07828),
    section 2.3; section 4 of Zhu et al."""

    images: Tensor
    held: Tensor

    def __init__(self, shape: tuple[int, ...], size: int = 50):
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("held", torch.zeros((), dtype=torch.long))

    def sample_or_replace(self, fake: Tensor, u: Tensor) -> Tensor:
        """For each of (n, …) itself, or one of the pool if u (n, 2) says so and the pool is full."""
        swap = (u[:, 0] < 0.5) & (self.held >= self.size)
        past = self.images[(u[:, 1] * self.size).long()].to(fake)
        return torch.where(swap.view(-1, *[1] * (fake.dim() - 1)), past, fake)

    def push(self, fakes: Tensor, u: Tensor) -> None:
        """What was shown goes, the new ones come in its place."""
        for fake, (chance, place) in zip(fakes, u.tolist(), strict=True):
            full = int(self.held) >= self.size
            if not full or chance < 0.5:
                self.images[int(place * self.size) if full else int(self.held)] = fake
            self.held += not full
