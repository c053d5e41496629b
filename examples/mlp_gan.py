"""The MLP GAN: Goodfellow et al. 2014 (arXiv:1406.2661), non-saturating, in one file.

`sparring.train("mlp-gan", …)` plays the same game; a test holds the two to the same parameters.
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
    """z (n, 100) → images (n, *shape) in [−1, 1]."""
    return nn.Sequential(
        nn.Linear(100, 256), nn.ReLU(),
        nn.Linear(256, 512), nn.ReLU(),
        nn.Linear(512, 1024), nn.ReLU(),
        nn.Linear(1024, int(np.prod(shape))), nn.Tanh(), nn.Unflatten(1, shape),
    )  # fmt: skip


def critic(shape: tuple[int, ...]) -> nn.Module:
    """Images (n, *shape) → logits (n, 1)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(int(np.prod(shape)), 1024), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(256, 1),
    )  # fmt: skip


def train(data: Tensor, rounds: int, seed: int = 0, batch: int = 100) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seeded(seed, 0).initial_seed())
    G, D = generator(data.shape[1:]), critic(data.shape[1:])
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True) for net in (G, D))
    real_images, draws = batches(data, batch, seed), itertools.count()

    def draw() -> tuple[Tensor, Tensor]:
        k = next(draws)
        torch.manual_seed(seeded(seed, 3, k, 0).initial_seed())  # dropout's own stream
        return next(real_images), torch.randn(batch, 100, generator=seeded(seed, 2, k))

    for _ in range(rounds):
        # The critic: maximise log D(x) + log(1 − D(G(z))).
        x, z = draw()
        with torch.no_grad():
            fake = G(z)
        loss_D = softplus(-D(x)).mean() + softplus(D(fake)).mean()
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        # The generator, on a draw of its own: maximise log D(G(z)), with the critic as it is now.
        _, z = draw()
        loss_G = softplus(-D(G(z))).mean()
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
        for image in G(torch.randn(4, 100))[:, 0]:
            print("\n".join("".join(" .:*#@"[int((x + 1) * 2.99)] * 2 for x in row) for row in image) + "\n")
