"""Memorisation of points on a line, in closed form."""

import math

import pytest
import torch

from sparring.metrics.image import memorisation as m


def line(*x: float) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float64)[:, None]


TRAIN = line(*range(100))


def test_ratio_of_nearest_to_eleventh_distance():
    neighbours = m.TrainingNeighbours(TRAIN, TRAIN)
    ratios, places = neighbours.ratios(line(50.25, 3.0, -1.0, 98.9))
    # from 50.25 the eleven nearest are 45 to 55, of −1 0 to 10, of 98.9 89 to 99
    assert ratios.tolist() == pytest.approx([0.25 / 5.25, 0, 1 / 11, 0.1 / 9.9])
    assert places.tolist() == [50, 3, 0, 99]


def test_few_training_examples_use_the_farthest():
    neighbours = m.TrainingNeighbours(line(0.0, 4.0, 10.0), TRAIN)
    assert neighbours.ratios(line(1.0, 4.0))[0].tolist() == pytest.approx([1 / 9, 0])
    same = m.TrainingNeighbours(line(*[2.0] * 20), TRAIN)
    assert same.ratios(line(2.0, 3.0))[0].tolist() == [1, 1]  # both distances are 0, or both are 1


def test_threshold_is_a_share_of_the_first_percentile():
    held_out = line(*(i % 90 + 0.01 + 0.4 * i / 200 for i in range(200)))
    neighbours = m.TrainingNeighbours(TRAIN, held_out)
    chance = neighbours.held_out_ratios.sort().values
    # the quantile .01 of 200 lies at 1.99 of 0 … 199
    assert neighbours.threshold == pytest.approx(0.7 * float(chance[1] + 0.99 * (chance[2] - chance[1])))


def test_share_below_the_threshold():
    neighbours = m.TrainingNeighbours(TRAIN, line(*(10.3 + i / 10 for i in range(0, 400, 10))))
    assert not (neighbours.held_out_ratios < neighbours.threshold).any()
    limit = neighbours.threshold * 5  # about so far from a training example inside
    near, far = [20 + 0.5 * limit] * 3, [20 + 1.5 * limit] * 5
    actual = m.memorisation(line(*far, *near), neighbours)
    assert actual.share == 3 / 8
    assert actual.p == pytest.approx(m.upper_tail(3, 8, 0, 40))
    assert sorted(actual.worst.tolist()[:3]) == [5, 6, 7] and actual.originals.tolist() == [20] * 8


def test_sixteen_closest_samples_in_order():
    neighbours = m.TrainingNeighbours(TRAIN, line(10.3, 20.4))
    x = [30 + 0.01 * ((7 * i) % 20) for i in range(20)]
    actual = m.memorisation(line(*x), neighbours)
    assert actual.worst.tolist() == sorted(range(20), key=x.__getitem__)[:16] and len(actual.originals) == 16


@pytest.mark.parametrize(
    ("hits", "n", "other", "m_"), [(0, 5, 0, 7), (3, 5, 2, 7), (5, 5, 7, 7), (2, 3, 6, 6), (1, 4, 0, 0)]
)
def test_upper_tail_is_hypergeometric(hits, n, other, m_):
    total = hits + other
    ways = sum(math.comb(n, a) * math.comb(m_, total - a) for a in range(hits, min(n, total) + 1) if total - a <= m_)
    assert m.upper_tail(hits, n, other, m_) == pytest.approx(ways / math.comb(n + m_, total), rel=1e-9)
