"""The loops as tutorials write them: the yardstick's other side, and the step benchmark's.

Nothing here imports Sparring, on purpose. `python benchmarks/plain.py --seed 0 --out plain-0.npz` trains the MLP GAN
on MNIST, or `--data` another set of its form, for 50 epochs in fp32 and keeps 10,000 samples as uint8;
`python -m experiments yardstick` scores them.
"""

import argparse
import gzip
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus


def images(name: str) -> torch.Tensor:
    """(n, 784) in [-1, 1], from the idx file under $SPARRING_DATA/name."""
    path = Path(os.environ["SPARRING_DATA"]) / name / "train-images-idx3-ubyte.gz"
    with gzip.open(path) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)


def mlp_generator() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(),
        nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 784), nn.Tanh(),
    )  # fmt: skip


def mlp_critic() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(784, 1024), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(1024, 512), nn.LeakyReLU(0.2),
        nn.Dropout(0.3), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1),
    )  # fmt: skip


def train(G: nn.Module, D: nn.Module, batches, latent) -> None:
    """One pass over `batches`: the critic on real and fake, then the generator on a fake of its own."""
    bce = nn.BCEWithLogitsLoss()
    for x, opt_g, opt_d in batches:
        real, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        opt_d.zero_grad()
        loss = bce(D(x).view(-1, 1), real) + bce(D(G(latent(len(x))).detach()).view(-1, 1), fake)
        loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        bce(D(G(latent(len(x)))).view(-1, 1), real).backward()
        opt_g.step()


def wgan_gp(G: nn.Module, D: nn.Module, batches, latent) -> None:
    """As `train`: five steps of the critic with its gradient penalty, then one of the generator."""
    for x, opt_g, opt_d in batches:
        for _ in range(5):
            opt_d.zero_grad()
            fake = G(latent(len(x))).detach()
            eps = torch.rand(len(x), 1, 1, 1)
            between = (eps * x + (1 - eps) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
            penalty = ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()
            (D(fake).mean() - D(x).mean() + 10 * penalty).backward()
            opt_d.step()
        opt_g.zero_grad()
        (-D(G(latent(len(x)))).mean()).backward()
        opt_g.step()


def slope_penalty(D: nn.Module, x: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """The mean over the batch of ‖∇D(x)‖²/2."""
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1).mean() / 2


def r3gan(G: nn.Module, D: nn.Module, batches, latent) -> None:
    """As `train`: pairs, R1 and R2 in every step of the critic."""
    for x, opt_g, opt_d in batches:
        opt_d.zero_grad()
        real, fake = x.clone().requires_grad_(), G(latent(len(x))).detach().requires_grad_()
        on_real, on_fake = D(real), D(fake)
        smooth = slope_penalty(D, real, on_real) + slope_penalty(D, fake, on_fake)
        (softplus(on_fake - on_real).mean() + smooth).backward()
        opt_d.step()
        opt_g.zero_grad()
        softplus(D(x) - D(G(latent(len(x))))).mean().backward()
        opt_g.step()


def stylegan2(G: nn.Module, D: nn.Module, batches, latent) -> None:
    """As `train`, with R1 in every 16th batch and the length of paths in every 4th; G gives styles and synthesis."""
    length = torch.zeros(())
    for k, (x, opt_g, opt_d) in enumerate(batches):
        opt_d.zero_grad()
        (softplus(-D(x)).mean() + softplus(D(G(latent(len(x))).detach())).mean()).backward()
        opt_d.step()
        if k % 16 == 0:
            opt_d.zero_grad()
            real = x.clone().requires_grad_()
            (16 * slope_penalty(D, real, D(real))).backward()
            opt_d.step()
        opt_g.zero_grad()
        softplus(-D(G(latent(len(x))))).mean().backward()
        opt_g.step()
        if k % 4 == 0:
            opt_g.zero_grad()
            w = G.styles(latent(len(x)))
            image = G.synthesis(w)
            noise = torch.randn_like(image) / math.sqrt(image[0, 0].numel())
            (slope,) = torch.autograd.grad((image * noise).sum(), w, create_graph=True)
            lengths = slope.square().sum(2).mean(1).sqrt()
            length = length.lerp(lengths.mean().detach(), 0.01)
            (4 * 2 * (lengths - length).square().mean()).backward()
            opt_g.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=["mnist", "fashion-mnist"], default="mnist")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    data, G, D = images(args.data), mlp_generator(), mlp_critic()
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    start = time.monotonic()
    for epoch in range(args.epochs):
        batches = ((data[i], opt_g, opt_d) for i in torch.randperm(len(data)).split(100))
        train(G, D, batches, lambda n: torch.randn(n, 100))
        print(f"epoch {epoch + 1}: {time.monotonic() - start:.0f} s", flush=True)
    G.eval()
    with torch.no_grad():
        samples = torch.cat([G(torch.randn(1000, 100)) for _ in range(10)])
    pixels = ((samples + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).view(-1, 28, 28).numpy()
    np.savez_compressed(args.out, images=pixels, seconds=time.monotonic() - start)


if __name__ == "__main__":
    main()
