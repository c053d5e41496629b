"""Distances in blocks."""

import pytest
import torch

from sparring.metrics import distances

X = torch.randn(10, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("cells", "rows"), [(6, [1] * 10), (23, [3, 3, 3, 1]), (60, [10]), (1, [1] * 10)])
def test_size_of_blocks(cells, rows, monkeypatch):
    monkeypatch.setattr(distances, "MAX_DISTANCES", cells)
    actual = list(distances.distance_blocks(X, Y))
    assert [len(table) for _, table in actual] == rows
    assert [i for part, _ in actual for i in range(10)[part]] == list(range(10))
    torch.testing.assert_close(torch.cat([table for _, table in actual]), torch.cdist(X, Y) ** 2)


def test_distances_are_not_negative():
    far = 1e8 + torch.rand(50, 20, dtype=torch.float64)
    (_, table), *_ = distances.distance_blocks(far, far)
    assert table.min() == 0
