"""The split, and class numbers."""

import pytest
import torch

from sparring.data.dataset import Split, encode_labels, split


def parts(labels: list[int]) -> tuple[list[int], list[int]]:
    train, test = split(Split(torch.arange(len(labels))[:, None], torch.tensor(labels)))
    assert sorted(train.values.flatten().tolist() + test.values.flatten().tolist()) == list(range(len(labels)))
    assert all(
        labels[int(v)] == label for part in (train, test) for v, label in zip(part.values, part.labels, strict=True)
    )
    return train.labels.tolist(), test.labels.tolist()


@pytest.mark.parametrize("place", range(24))
def test_a_single_example_is_trained_on(place):
    train, test = parts([int(i == place) for i in range(24)])
    assert 1 in train and 1 not in test and len(test) in (3, 4)


def test_every_class_of_one():
    train, test = parts(list(range(12)))
    assert len(train) == 11 and len(test) == 1


def test_two_of_a_class_in_the_test_part():
    """Only one of them is given back."""
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))[::6]
    train, test = parts([int(i in order[:2]) for i in range(24)])
    assert train.count(1) == test.count(1) == 1


def test_attributes_are_split_as_they_are():
    train, test = split(Split(torch.zeros(12, 1), torch.rand(12, 2)))
    assert (len(train), len(test)) == (10, 2)


def test_class_numbers():
    assert encode_labels(["10", "9", "-1"])[0] == ("-1", "9", "10")
    names, labels = encode_labels(["b", "10", "9"])
    assert names == ("10", "9", "b") and labels is not None and labels.tolist() == [2, 0, 1]
    assert encode_labels(["9" * 5000, "1"])[0] == ("1", "9" * 5000)
    assert encode_labels(["a", "a"]) == ((), None) == encode_labels([])
