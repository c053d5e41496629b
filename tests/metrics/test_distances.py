"""Distances in distance_blocks."""

import pytest
import torch

from sparring.metrics import distances

X = torch.randn(10, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("cells", "rows"), [(6, [1] * 10), (23, [3, 3, 3, 1]), (60, [10]), (1, [1] * 10)])
def test_blocks_hold_so_many_cells(cells, rows, monkeypatch):
    monkeypatch.setattr(distances, "MAX_DISTANCES", cells)
    found = list(distances.distance_blocks(X, Y))
    assert [len(table) for _, table in found] == rows
    assert [i for part, _ in found for i in range(10)[part]] == list(range(10))
    torch.testing.assert_close(torch.cat([table for _, table in found]), torch.cdist(X, Y) ** 2)


def test_rounding_makes_no_distance_negative():
    far = 1e8 + torch.rand(50, 20, dtype=torch.float64)
    (_, table), *_ = distances.distance_blocks(far, far)
    assert table.min() == 0
