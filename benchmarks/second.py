"""A second opinion: a classifier that is not the judge's, so that what the judge overlooks is seen.

    SPARRING_DATA=… python benchmarks/second.py OUT [--data mnist]

A perceptron with another seed, fitted to the whole training set and kept in OUT; prints its accuracy on the test set.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.data import Data, load
from sparring.metrics.extractors import fit, fitted
from sparring.metrics.features import Features, digest

SEED, WIDTH, STEPS = 7, 512, 6_000


def second(data: Data, out: Path) -> Features:
    """Two hidden layers of 512, dropout; read from `out` if it is there."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        body = nn.Sequential(nn.Flatten(), *_layer(data.train.values[0].numel()), *_layer(WIDTH))
        net = nn.Sequential(body, nn.Linear(WIDTH, data.classes))
        labels = data.train.labels
        assert isinstance(labels, Tensor)
        kept = out / f"second-{data.fingerprint}.safetensors"
        fitted(net, kept, lambda: fit(net, data.train.values, labels, STEPS, "fitting a second classifier, once"))
    net.eval().requires_grad_(False)
    return Features("second", body, digest(net.state_dict().values()), net[1])


def _layer(inputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Dropout(0.3)]


def accuracy(classifier: Features, data: Data) -> float:
    assert isinstance(data.test.labels, Tensor)
    return classifier.accuracy(data.test.values, data.test.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", default="mnist")
    args = parser.parse_args()
    data = load(args.data)
    print(f"{accuracy(second(data, args.out), data):.2%} of the test set")


if __name__ == "__main__":
    main()
