"""Kernel distance against torchmetrics and its formula, and its blocks."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.kid import KernelInceptionDistance

from sparring.metrics.image import kid
from sparring.metrics.image.kid import kernel_distance, mmd


def cloud(n, d, seed, shift=0.0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g, dtype=torch.float64) + shift


class Flat(nn.Module):
    num_features = 12

    def forward(self, x):
        return x.flatten(1).double()


def test_against_torchmetrics():
    a, b = cloud(120, 12, 0), cloud(120, 12, 1, 0.2)
    theirs = KernelInceptionDistance(Flat(), subsets=1, subset_size=120, normalize=True).set_dtype(torch.float64)
    for x, real in ((a, True), (b, False)):
        theirs.update(x.view(-1, 3, 2, 2), real=real)
    assert mmd(a, b) == pytest.approx(float(theirs.compute()[0]), rel=1e-6)


def test_by_hand():
    x, y = torch.tensor([[1.0], [2.0]]).double(), torch.tensor([[0.0], [1.0], [3.0]]).double()
    k = lambda a, b: (a * b + 1) ** 3  # noqa: E731
    within = k(1, 2) + (2 * k(0, 1) + 2 * k(0, 3) + 2 * k(1, 3)) / 6
    between = sum(k(a, b) for a in (1, 2) for b in (0, 1, 3)) / 6
    assert mmd(x, y) == pytest.approx(within - 2 * between)


def test_blocks_give_an_unbiased_figure_and_an_honest_error():
    found = [kernel_distance(cloud(4_000, 6, 2 * i), cloud(4_000, 6, 2 * i + 1)) for i in range(30)]
    spread = torch.tensor([one.kid for one in found]).std()
    error = sum(one.error for one in found) / len(found)
    assert abs(sum(one.kid for one in found) / len(found)) < 3 * float(spread) / math.sqrt(30)
    assert 0.6 < error / float(spread) < 1.6


def test_few_samples_make_four_blocks():
    a, b = cloud(41, 4, 0), cloud(40, 4, 1)
    order = [torch.randperm(n, generator=g) for g in [torch.Generator().manual_seed(0)] for n in (41, 40)]
    parts = zip(a[order[0]].tensor_split(4), b[order[1]].tensor_split(4), strict=True)
    found = torch.tensor([mmd(x, y) for x, y in parts], dtype=torch.float64)
    assert kernel_distance(a, b).kid == pytest.approx(float(found.mean()))
    assert kernel_distance(a, b).error == pytest.approx(float(found.std() / 2))


def test_the_kernel_is_cubic_and_divided_by_the_dimension():
    x, y = cloud(4, 3, 0), cloud(5, 3, 1)
    k = lambda a, b: (float(a @ b) / 3 + 1) ** 3  # noqa: E731
    within = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / 12
    within += sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / 20
    between = sum(k(a, b) for a in x for b in y) / 20
    assert mmd(x, y) == pytest.approx(within - 2 * between, rel=1e-9)


@pytest.mark.parametrize(("sizes", "blocks"), [((60, 45), 4), ((50, 71), 5), ((69, 200), 6)])
def test_blocks_hold_a_thousand_samples_and_are_four_at_least(sizes, blocks, monkeypatch):
    monkeypatch.setattr(kid, "_BLOCK", 10)
    lengths = []
    monkeypatch.setattr(kid, "mmd", lambda x, y: lengths.append((len(x), len(y))) or float(len(lengths) ** 2))
    actual = kernel_distance(*(cloud(n, 2, 0) for n in sizes))
    assert len(lengths) == blocks and tuple(map(sum, zip(*lengths, strict=True))) == sizes
    squares = [i**2 for i in range(1, blocks + 1)]
    assert actual.kid == pytest.approx(np.mean(squares))
    assert actual.error == pytest.approx(np.std(squares, ddof=1) / blocks**0.5)
