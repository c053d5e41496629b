import math

import pytest
import torch
from torch import nn
from torchmetrics.image.kid import KernelInceptionDistance

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
