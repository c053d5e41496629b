"""Mode coverage in closed form."""

import math

import pytest
import torch
from scipy.stats import entropy

from sparring.data.points import GRID, RING
from sparring.metrics.point.judge import PointJudge
from sparring.metrics.point.metrics import POINT_METRICS, ModeAssignment
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


def test_modes_on_a_line():
    modes = torch.tensor([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]])
    points = torch.tensor([[0.0, 0.0]] * 5 + [[11.5, 0.0]] * 2 + [[20.0, -1.0]] * 2 + [[15.0, 0.0]])
    actual = count_modes(points, modes, 0.5)  # within 1.5 of a mode: its edge too
    assert actual.modes == 3 and actual.high_quality == pytest.approx(0.9)
    assert actual.least == 0
    q = [REAL_SHARE / 4] * 4 + [1 - REAL_SHARE]
    assert actual.kl == pytest.approx(entropy([0.5, 0.2, 0.2, 0, 0.1], q), rel=1e-9)
    assert pytest.approx(1 - math.exp(-4.5)) == REAL_SHARE
    even = count_modes(modes.repeat(3, 1), modes, 0.5)
    assert even.least == pytest.approx(1 / REAL_SHARE) and even.modes == 4
    case = ModeAssignment(points, modes, 0.5)
    assert POINT_METRICS["modes"].compute(case) == {"kl": actual.kl, "modes": 3, "high_quality": actual.high_quality}
    part = case.of(torch.tensor([0, 1]))
    assert POINT_METRICS["modes"].compute(part)["modes"] == 1 and part.modes is modes
