"""Precision, recall, density and coverage: against prdc, and by hand on a line."""

import numpy as np
import pytest
import torch
from prdc import compute_prdc

from sparring.metrics import distances
from sparring.metrics.image.precision_recall import overlap, support


def cloud(n, d, seed, shift=0.0, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g, dtype=torch.float64) * scale + shift


@pytest.mark.parametrize("shift, scale, k", [(0.0, 1.0, 5), (0.8, 1.0, 3), (0.0, 0.4, 5), (0.3, 2.0, 1)])
def test_equal_to_the_prdc_package(shift, scale, k, monkeypatch):
    monkeypatch.setattr(distances, "MAX_DISTANCES", 7_000)  # many blocks, the last one short
    fake, real = cloud(310, 6, 0, shift, scale), cloud(277, 6, 1)
    ours = support(fake, real, k)
    theirs = compute_prdc(real.numpy(), fake.numpy(), k)
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, rel=1e-12), name


def test_each_catches_what_it_is_for():
    real = cloud(600, 4, 0)
    kept, collapsed, noise = cloud(600, 4, 1), cloud(600, 4, 2, 0.0, 0.1), cloud(600, 4, 3, 20.0)
    assert support(kept, real).precision > 0.8 and support(kept, real).recall > 0.8
    assert support(collapsed, real).precision > 0.95 and support(collapsed, real).recall < 0.1
    assert support(collapsed, real).coverage < 0.5 and support(collapsed, real).density > 1
    assert support(noise, real).precision == support(noise, real).coverage == 0


def test_nearest_against_the_whole_table(monkeypatch):
    monkeypatch.setattr(distances, "MAX_DISTANCES", 500)
    x, y = cloud(40, 3, 0), cloud(33, 3, 1)
    table = torch.cdist(x, y) ** 2
    values, places = distances.nearest_neighbours(x, y, 4)
    expected = table.sort(1)
    torch.testing.assert_close(values, expected.values[:, :4])
    assert torch.equal(places, expected.indices[:, :4])
    own = np.sort(torch.cdist(x, x).numpy(), 1)[:, 3] ** 2
    np.testing.assert_allclose(distances.neighbour_radii(x, 3).numpy(), own)


def column(*x: float) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float64)[:, None]


def test_support_on_a_line():
    """Balls with k = 2: radii 3, 2, 3, 6 of the real ones 0, 1, 3, 7; 17.5, 14, 17.5 of the fake ones 2.5, 6, 20."""
    real, fake = column(0, 1, 3, 7), column(2.5, 6, 20)
    actual = support(fake, real, 2)
    # 2.5 is in all balls; 6 is in that of 7, and on the edge of that of 3
    assert (actual.precision, actual.recall, actual.density, actual.coverage) == (2 / 3, 1, 5 / 3 / 2, 1)
    by_radii = overlap(fake, torch.tensor([0.3, 0.9, 0.1]), real, torch.tensor([1.0, 2.25, 0.1, 1.0001]), 1)
    # squared: 1 is 1.5 from 2.5, which is the edge; 3 is .5 from it (.25 in fake's .3); 7 is 1 from 6
    assert (by_radii.precision, by_radii.recall, by_radii.density, by_radii.coverage) == (1 / 3, 1 / 4, 1 / 3, 1 / 4)
