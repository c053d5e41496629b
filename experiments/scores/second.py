"""A second classifier, independent of the judge's features.

    SPARRING_DATA=… python -m experiments second OUT [--data mnist]

It has 5×5 convolutions, max pooling and dropout, and is fitted to the whole training set with another seed. The command
stores it in OUT and prints its accuracy on the test set.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.data import Dataset
from sparring.metrics.features.extractors import fit_classifier, load_or_fit
from sparring.metrics.features.features import FeatureExtractor, weights_digest
from sparring.modalities.load import load_dataset

SEED, WIDTH, STEPS = 7, 128, 3_000


def second(data: Dataset, out: Path, steps: int = STEPS) -> FeatureExtractor:
    """The classifier stored in `out`, which is fitted with `steps` batches of 128 if it is missing."""
    channels, height, width = data.shape
    labels = data.train.labels
    assert isinstance(labels, Tensor)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        dense = nn.Linear(48 * (height // 4) * (width // 4), WIDTH)
        body = nn.Sequential(*_layer(channels, 24), *_layer(24, 48), nn.Flatten(), nn.Dropout(0.3), dense, nn.ReLU())
        net = nn.Sequential(body, nn.Linear(WIDTH, data.classes))
        path = out / f"second-{data.fingerprint}.safetensors"
        load_or_fit(
            net,
            path,
            lambda: fit_classifier(net, data.train.values, labels, steps, "fitting a second classifier, once"),
        )
    net.eval().requires_grad_(False)
    return FeatureExtractor("second", body, weights_digest(net.state_dict().values()), net[1])


def _layer(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]


def accuracy(classifier: FeatureExtractor, data: Dataset) -> float:
    assert isinstance(data.test.labels, Tensor)
    return classifier.accuracy(data.test.values, data.test.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", default="mnist")
    args = parser.parse_args()
    data = load_dataset(args.data)
    print(f"{accuracy(second(data, args.out), data):.2%} of the test set")


if __name__ == "__main__":
    main()
