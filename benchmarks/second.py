"""A second opinion on digits: a classifier of another architecture and seed than the judge's, fitted to all of MNIST's
training set and kept beside the runs it looks at."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.data import Data
from sparring.steps import steps

EPOCHS, BATCH, RATE, SEED = 3, 100, 2e-3, 77


def network(channels: int = 1, classes: int = 10) -> nn.Sequential:
    """5×5 convolutions and max pooling, for images (n, c, 28, 28)."""
    return nn.Sequential(
        nn.Conv2d(channels, 24, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 49, 128), nn.ReLU(), nn.Linear(128, classes),
    )  # fmt: skip


def opinion(data: Data, kept: Path) -> nn.Sequential:
    """The classifier, from `kept` or fitted and kept there."""
    torch.manual_seed(SEED)
    net = network(data.shape[0], data.classes)
    if kept.exists():
        net.load_state_dict(load_file(kept))
        return net.eval()
    x, y = data.train.values, data.train.labels
    assert y is not None
    rounds = EPOCHS * len(x) // BATCH
    adam = torch.optim.Adam(net.parameters(), RATE)
    slower = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=rounds)
    for _ in steps(rounds, "a second classifier"):
        i = torch.randint(len(x), (BATCH,))
        adam.zero_grad()
        cross_entropy(net(x[i] / 255), y[i]).backward()
        adam.step()
        slower.step()
    save_file(net.state_dict(), kept)
    return net.eval()


@torch.no_grad()
def guesses(net: nn.Module, images: Tensor) -> Tensor:
    """Classes (n,) of images uint8 (n, c, h, w)."""
    return torch.cat([net(chunk / 255).argmax(1) for chunk in images.split(1000)])


def accuracy(net: nn.Module, data: Data) -> float:
    """On the test set."""
    assert data.test.labels is not None
    return float((guesses(net, data.test.values) == data.test.labels).float().mean())
