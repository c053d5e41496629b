"""Schedules in closed form."""

import math

import pytest

from sparring.schedules import Cosine, Linear, at, parse_schedule, scaled, with_horizon


@pytest.mark.parametrize("seen", [0, 1, 30, 99, 100, 101, 10_000])
def test_values_during_and_after_a_schedule(seen):
    share = min(seen / 100, 1)
    assert at(Linear(3.0, -1.0, 100), seen) == pytest.approx(3 - 4 * share)
    assert at(Cosine(3.0, -1.0, 100), seen) == pytest.approx(1 + 2 * math.cos(math.pi * share))
    assert at(0.25, seen) == 0.25


def test_a_schedule_without_a_horizon_stays_at_its_start():
    assert at(Linear(3.0, 1.0), 500) == 3 and at(Cosine(3.0, 1.0), 500) == 3


def test_only_schedules_without_a_horizon_get_one():
    assert with_horizon(Linear(3, 1), 50) == Linear(3, 1, 50) and with_horizon(Cosine(3, 1), 50) == Cosine(3, 1, 50)
    assert with_horizon(Linear(3, 1, 7), 50) == Linear(3, 1, 7) and with_horizon(0.5, 50) == 0.5


def test_scaling_scales_both_ends():
    assert scaled(Linear(3, 1, 7), 2) == Linear(6, 2, 7) and scaled(Cosine(3, 1, 7), 0.5) == Cosine(1.5, 0.5, 7)
    assert scaled(0.5, 4) == 2


def test_a_parsed_schedule_needs_an_image():
    assert parse_schedule("1:2:1") == Linear(1, 2, 1)
    with pytest.raises(ValueError, match="over no images"):
        parse_schedule("1:2:0")
    assert str(Linear(0.1, 0, 2000)) == "0.1 to 0 over 2,000 images (linear)"
    assert str(Cosine(0.1, 0)) == "0.1 to 0 over the run (cosine)"
