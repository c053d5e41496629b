import math

import pytest
import torch

from sparring.data.points import GRID, RING
from sparring.metrics.point.judge import PointJudge
from sparring.metrics.point.modes import REAL_SHARE, count_modes


@pytest.mark.parametrize("mixture", [RING, GRID])
def test_real_points_are_found_as_theory_says(mixture):
    points, _ = mixture.draw(40_000, torch.Generator().manual_seed(1))
    found = count_modes(points, mixture.modes, mixture.sigma)
    assert found.modes == len(mixture.modes) and found.kl < 2e-3
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=3e-3)


def test_one_mode_in_closed_form():
    found = count_modes(RING.modes[:1].repeat(500, 1), RING.modes, RING.sigma)
    assert found.modes == 1 and found.high_quality == 1
    assert found.kl == pytest.approx(math.log(8 / REAL_SHARE))


def test_a_mode_needs_a_quarter_of_its_share():
    modes, n = GRID.modes, 10_000
    enough = math.ceil(n * REAL_SHARE / 25 / 4)
    for hits, expected in ((enough, 2), (enough - 1, 1)):
        points = torch.cat([modes[:1].repeat(n - hits, 1), modes[1:2].repeat(hits, 1)])
        assert count_modes(points, modes, GRID.sigma).modes == expected


def test_trivial_samplers_of_points():
    points, _ = RING.draw(5_000, torch.Generator().manual_seed(0))
    jury = PointJudge(points, RING.modes, RING.sigma)
    scores = {name: jury.scores(x.values) for name, x in jury.baselines(2_000)}
    assert scores["real"]["kl"] < 0.02 < scores["gaussian"]["kl"]
    assert scores["mean"]["modes"] == 0 and scores["mean"]["high_quality"] == 0
