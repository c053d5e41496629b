"""Relativistic pairing with R1 and R2: Huang et al. 2024 (arXiv:2501.05441), eq. 2 and 3, in one file.

`GAN(G, D, relativistic, [r1, r2], resample_each_turn=True)` plays the same game; a test holds the two to the same
parameters.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def seeded(*key: int) -> torch.Generator:
    """A generator for this key; other keys give independent streams."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1))


def batches(data: Tensor, batch: int, seed: int) -> Iterator[Tensor]:
    """Shuffled epochs without end; a batch may begin in one and end in the next."""
    rest = torch.empty(0, dtype=torch.long)
    for epoch in itertools.count():
        rest = torch.cat([rest, torch.randperm(len(data), generator=seeded(seed, 1, epoch))])
        while len(rest) >= batch:
            yield data[rest[:batch]]
            rest = rest[batch:]


def generator(shape: tuple[int, ...]) -> nn.Module:
    """z (n, 64) → images (n, *shape) in [−1, 1]."""
    return nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(),
        nn.Linear(256, int(np.prod(shape))), nn.Tanh(), nn.Unflatten(1, shape),
    )  # fmt: skip


def critic(shape: tuple[int, ...]) -> nn.Module:
    """Images (n, *shape) → logits (n, 1)."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(int(np.prod(shape)), 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1),
    )  # fmt: skip


def judged(D: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n, 1) and ½‖∇D(x)‖² (n,)."""
    x = x.detach().requires_grad_()
    logits = D(x)
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, slope.flatten(1).square().sum(1) / 2


def train(data: Tensor, rounds: int, seed: int = 0, batch: int = 64, gamma: float = 1.0) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seeded(seed, 0).initial_seed())
    G, D = generator(data.shape[1:]), critic(data.shape[1:])
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.0, 0.99), fused=True) for net in (G, D))
    real_images, draws = batches(data, batch, seed), itertools.count()

    def draw() -> tuple[Tensor, Tensor]:
        return next(real_images), torch.randn(batch, 64, generator=seeded(seed, 2, next(draws)))

    for _ in range(rounds):
        # The critic: real i must look more real than fake i, and D must be flat around both.
        x, z = draw()
        with torch.no_grad():
            fake = G(z)
        (real_logits, r1), (fake_logits, r2) = judged(D, x), judged(D, fake)
        loss_D = softplus(-(real_logits - fake_logits)).mean() + gamma * (r1 + r2).mean()
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        # The generator, on a batch and a draw of its own: the other way round.
        x, z = draw()
        loss_G = softplus(-(D(G(z)) - D(x))).mean()
        opt_G.zero_grad()
        loss_G.backward()
        opt_G.step()
    return G, D


def digits() -> Tensor:
    """1,797 handwritten digits, (n, 1, 8, 8) in [−1, 1]."""
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().images / 8 - 1).float()[:, None]


if __name__ == "__main__":
    G, _ = train(digits(), rounds=1500)
    G.eval()
    with torch.no_grad():
        for image in G(torch.randn(4, 64))[:, 0]:
            print("\n".join("".join(" .:*#@"[int((x + 1) * 2.99)] * 2 for x in row) for row in image) + "\n")
