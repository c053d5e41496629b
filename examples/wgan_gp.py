"""WGAN-GP: Gulrajani et al. 2017 (arXiv:1704.00028), algorithm 1, in one file.

`GAN(G, D, wasserstein, [lipschitz], critic_steps=5)` plays the same game; a test holds the two to the same parameters.
The generator learns on the last critic step's z, where the paper draws anew: one pass through G less.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn


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


def penalty(D: nn.Module, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """(‖∇D(x̂)‖ − 1)² at x̂ between real and fake."""
    between = (fake + eps.view(-1, 1, 1, 1) * (x - fake)).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((slope.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def train(
    data: Tensor, rounds: int, seed: int = 0, batch: int = 64, critic_steps: int = 5, weight: float = 10
) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seeded(seed, 0).initial_seed())
    G, D = generator(data.shape[1:]), critic(data.shape[1:])
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=True) for net in (G, D))
    real_images, draws = batches(data, batch, seed), itertools.count()
    for _ in range(rounds):
        for _ in range(critic_steps):
            x, stream = next(real_images), seeded(seed, 2, next(draws))
            z, eps = torch.randn(batch, 64, generator=stream), torch.rand(batch, generator=stream)
            fake = G(z)
            # The critic: maximise D(x) − D(G(z)), with slopes of length 1.
            held = fake.detach()
            loss_D = D(held).mean() - D(x).mean() + weight * penalty(D, x, held, eps)
            opt_D.zero_grad()
            loss_D.backward()
            opt_D.step()
        # The generator: maximise D(G(z)).
        opt_G.zero_grad()
        (-D(fake).mean()).backward()
        opt_G.step()
    return G, D


def digits() -> Tensor:
    """1,797 handwritten digits, (n, 1, 8, 8) in [−1, 1]."""
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().images / 8 - 1).float()[:, None]


if __name__ == "__main__":
    G, _ = train(digits(), rounds=400)
    G.eval()
    with torch.no_grad():
        for image in G(torch.randn(4, 64))[:, 0]:
            print("\n".join("".join(" .:*#@"[int((x + 1) * 2.99)] * 2 for x in row) for row in image) + "\n")
