"""Feature extractors: task classifier, randomly initialised classifier, pixel components."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy

from sparring.metrics.features.features import EXTRACTOR_BATCH, FeatureExtractor, to_extractor_input, weights_digest
from sparring.progress import progress_range
from sparring.storage.atomic import atomic_write

_WIDTH = 128
"""Number of features."""
_BATCH, _STEPS, _LEARNING_RATE = 128, 1_500, 2e-3


class Classifier(nn.Module):
    """Two convolution blocks, a hidden layer of 128 ReLU features, and logits; for images of 8×8 and larger."""

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
            nn.Linear(32 * 16, _WIDTH),
            nn.ReLU(),
        )
        self.head = nn.Linear(_WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))

    def features(self, name: str, names_classes: bool) -> FeatureExtractor:
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore
        return FeatureExtractor(
            name, self.body, weights_digest(self.state_dict().values()), self.head if names_classes else None
        )


def random_features(channels: int) -> FeatureExtractor:
    """The randomly initialised classifier, with a fixed seed."""
    return new_classifier(channels, 1).features("random", names_classes=False)


def task_features(pixels: Tensor, labels: Tensor, classes: int, kept: Path) -> FeatureExtractor:
    """The classifier trained on these images for a fixed number of steps, without augmentation.

    Args:
        pixels: uint8 (n, c, h, w).
        labels: int64 (n,).
        kept: safetensors file to load weights from, or to write if it is missing or unreadable.
    """
    net = new_classifier(pixels.shape[1], classes)
    load_or_fit(net, kept, lambda: fit_classifier(net, pixels, labels, _STEPS, "fitting the feature extractor, once"))
    return net.features("task", names_classes=True)


def stacked_features(pixels: Tensor, labels: Tensor, kept: Path) -> FeatureExtractor:
    """Features of stacked digits, uint8 (n, c, h, w): a digit classifier applied to each channel.

    A classifier of all 10ᶜ numbers would have too few examples of each.
    """
    channels = pixels.shape[1]
    net = new_classifier(1, 10)
    places = 10 ** torch.arange(channels).flip(0)
    digits = labels[:, None] // places % 10
    about = "fitting the feature extractor of digits, once"
    load_or_fit(net, kept, lambda: fit_classifier(net, pixels.flatten(0, 1)[:, None], digits.flatten(), _STEPS, about))
    net.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore

    def body(x: Tensor) -> Tensor:
        return net.body(x.flatten(0, 1)[:, None]).view(len(x), -1)

    return FeatureExtractor("stacked", body, weights_digest(net.state_dict().values()), StackedHead(net.head, channels))


class StackedHead(nn.Module):
    """Features of all channels (n, c · 128) → logits of the number their digits form, (n, 10ᶜ)."""

    def __init__(self, head: nn.Module, channels: int):
        super().__init__()
        self.head, self.channels = head, channels

    def forward(self, features: Tensor) -> Tensor:
        number = features.new_zeros(len(features), 1)
        for part in features.chunk(self.channels, 1):
            number = (number[:, :, None] + self.head(part).log_softmax(1)[:, None, :]).flatten(1)
        return number


def pixel_features(pixels: Tensor) -> FeatureExtractor:
    """Principal components of the pixels of images uint8 (n, c, h, w); at most 128.

    Images larger than 32×32 are first average-pooled to that size.
    """
    small = (min(pixels.shape[2], _THUMBNAIL), min(pixels.shape[3], _THUMBNAIL))
    x = torch.cat(
        [adaptive_avg_pool2d(to_extractor_input(chunk), small).flatten(1) for chunk in pixels.split(EXTRACTOR_BATCH)]
    )
    mean = x.mean(0)
    _, vectors = torch.linalg.eigh(((x - mean).T @ (x - mean)).double())
    basis = vectors[:, -_WIDTH:].flip(1).float()

    def body(images: Tensor) -> Tensor:
        return (adaptive_avg_pool2d(images, small).flatten(1) - mean) @ basis

    return FeatureExtractor("pixels", body, weights_digest([mean, basis]))


_THUMBNAIL = 32


def load_or_fit(net: nn.Module, kept: Path, fit: Callable[[], None]) -> None:
    """Loads the network's weights from a file, or fits the network and writes them."""
    try:
        net.load_state_dict(load_file(kept))
    except (OSError, SafetensorError, RuntimeError):
        fit()
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(kept) as aside:
            save_file(net.state_dict(), aside)


def new_classifier(channels: int, classes: int) -> Classifier:
    """A randomly initialised classifier, with a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Classifier(channels, classes)


def fit_classifier(net: nn.Module, pixels: Tensor, labels: Tensor, count: int, about: str) -> None:
    """Trains on images uint8 (n, c, h, w) for `count` steps, with a fixed seed."""

    def loss(g: torch.Generator) -> Tensor:
        batch = torch.randint(len(pixels), (_BATCH,), generator=g)
        return cross_entropy(net(to_extractor_input(pixels[batch])), labels[batch])

    minimise(net, loss, count, _LEARNING_RATE, about)


def minimise(net: nn.Module, loss: Callable[[torch.Generator], Tensor], count: int, rate: float, about: str) -> None:
    """Minimises a loss for `count` steps by Adam with a one-cycle schedule; batches are drawn with a fixed seed."""
    g = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, count)
    for _ in progress_range(count, about):
        optimiser.zero_grad()
        loss(g).backward()
        optimiser.step()
        schedule.step()
