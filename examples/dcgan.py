"""DCGAN: Radford et al. 2016 (arXiv:1511.06434), in one file, at 16×16.

`sparring.train("dcgan", …)` plays the same game; a test holds the two to the same parameters.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, softplus


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


def initialised(net: nn.Module) -> nn.Module:
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
    return net


def generator(channels: int = 1, width: int = 32) -> nn.Module:
    """z (n, 100) → images (n, channels, 16, 16) in [−1, 1]."""
    return initialised(nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)),
        nn.ConvTranspose2d(100, 2 * width, 4, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh(),
    ))  # fmt: skip


def critic(channels: int = 1, width: int = 32) -> nn.Module:
    """Images (n, channels, 16, 16) → logits (n, 1)."""
    return initialised(nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 4, bias=False), nn.Flatten(),
    ))  # fmt: skip


def train(data: Tensor, rounds: int, seed: int = 0, batch: int = 64) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seeded(seed, 0).initial_seed())
    G, D = generator(), critic()
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), betas=(0.5, 0.99), fused=True) for net in (G, D))
    real_images = batches(data, batch, seed)
    for k in range(rounds):
        for group in opt_G.param_groups + opt_D.param_groups:  # from 4e-3 to 4e-4 along half a cosine
            group["lr"] = 4e-4 + (4e-3 - 4e-4) * (1 + math.cos(math.pi * k / rounds)) / 2
        x, z = next(real_images), torch.randn(batch, 100, generator=seeded(seed, 2, k))
        fake = G(z)
        # The critic: maximise log D(x) + log(1 − D(G(z))).
        loss_D = softplus(-D(x)).mean() + softplus(D(fake.detach())).mean()
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        # The generator: maximise log D(G(z)), with the critic as it is now.
        loss_G = softplus(-D(fake)).mean()
        opt_G.zero_grad()
        loss_G.backward()
        opt_G.step()
    return G, D


def digits() -> Tensor:
    """1,797 handwritten digits, (n, 1, 8, 8) in [−1, 1]."""
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().images / 8 - 1).float()[:, None]


if __name__ == "__main__":
    G, _ = train(interpolate(digits(), 16), rounds=600)
    G.eval()
    with torch.no_grad():
        for image in G(torch.randn(4, 100))[:, 0]:
            print("\n".join("".join(" .:*#@"[int((x + 1) * 2.99)] * 2 for x in row) for row in image) + "\n")
