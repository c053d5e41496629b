"""What images are compared by: the hidden layer of a small classifier of fixed architecture, steps and seed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

WIDTH = 128
"""Features."""
BATCH, STEPS, RATE = 128, 1_500, 2e-3


class Classifier(nn.Module):
    """Two convolution blocks, a hidden layer of 128 rectified features, and logits; for images of 8×8 and more."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Linear(32 * 16, WIDTH),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@dataclass(frozen=True)
class Features:
    """uint8 images (n, c, h, w) → float64 features (n, 128), on the CPU."""

    name: str
    net: Classifier
    digest: str
    """Of the weights, so that two scores can be told to be comparable."""

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        return torch.cat([self.net.body(_unit(chunk)) for chunk in pixels.cpu().split(500)]).double()

    @torch.no_grad()
    def guesses(self, pixels: Tensor) -> Tensor:
        """The class the classifier takes each image for, int64 (n,)."""
        return torch.cat([self.net(_unit(chunk)).argmax(1) for chunk in pixels.cpu().split(500)])

    def accuracy(self, pixels: Tensor, labels: Tensor) -> float:
        """The share of images the classifier names rightly."""
        return float((self.guesses(pixels) == labels.cpu()).double().mean())


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def random_features(channels: int) -> Features:
    """The classifier before any training, always with the same weights."""
    return _features("random", _fresh(channels, 1))


def _fresh(channels: int, classes: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Classifier(channels, classes)


def task_features(pixels: Tensor, labels: Tensor, classes: int, kept: Path) -> Features:
    """The classifier after a fixed number of steps on these images, without augmentation; read from `kept` if there.

    Args:
        pixels: uint8 (n, c, h, w).
        labels: int64 (n,).
        kept: a safetensors file, made when it is missing or can't be read.
    """
    net = _fresh(pixels.shape[1], classes)
    try:
        net.load_state_dict(load_file(kept))
    except (OSError, SafetensorError, RuntimeError):
        _fit(net, pixels, labels)
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{torch.initial_seed()}.part")
        save_file(net.state_dict(), aside)
        aside.replace(kept)
    return _features("task", net)


def _fit(net: Classifier, pixels: Tensor, labels: Tensor) -> None:
    g = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(pixels), (BATCH,), generator=g)
        optimiser.zero_grad()
        cross_entropy(net(_unit(pixels[batch])), labels[batch]).backward()
        optimiser.step()
        schedule.step()


def _features(name: str, net: Classifier) -> Features:
    digest = hashlib.sha256()
    for weight in net.state_dict().values():
        digest.update(weight.numpy().data)
    return Features(name, net.eval().requires_grad_(False), digest.hexdigest()[:12])
