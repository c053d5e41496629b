"""Geometric augmentations against their matrices."""

import math

import pytest
import torch

from sparring.augment.moves import MOVES, standard_normal

SIDES = (16, 24)
"""Height, width."""
Q = {u: float(torch.special.ndtri(torch.tensor(u, dtype=torch.float64))) for u in (0.1, 0.3, 0.5, 0.8)}


def move(name: str, *u: float) -> list[list[float]]:
    numbers = torch.tensor([u, u], dtype=torch.float64)
    actual = MOVES[name][0](numbers, SIDES)
    assert MOVES[name][1] == len(u) and actual.shape == (2, 3, 3) and torch.equal(actual[0], actual[1])
    return actual[0].tolist()


def affine(a, b, c, d, x=0.0, y=0.0):
    return [pytest.approx(row, abs=1e-9) for row in ([a, b, x], [c, d, y], [0, 0, 1])]


def turn(angle):
    return affine(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle))


def test_uniform_numbers_become_normal_and_finite():
    u = torch.tensor([0.0, 0.1, 0.5, 0.8, 1.0], dtype=torch.float64)
    end = float(torch.special.ndtri(torch.tensor(1e-6, dtype=torch.float64)))
    assert standard_normal(u).tolist() == pytest.approx([end, Q[0.1], 0, Q[0.8], -end], abs=1e-9)


@pytest.mark.parametrize(("u", "sign"), [(0.0, 1), (0.49, 1), (0.5, -1), (0.99, -1)])
def test_flip_mirrors_x(u, sign):
    assert move("flip", u) == affine(sign, 0, 0, 1)


@pytest.mark.parametrize(("u", "turns"), [(0.0, 0), (0.24, 0), (0.25, 1), (0.5, 2), (0.74, 2), (0.75, 3), (0.99, 3)])
def test_quarter_turns(u, turns):
    assert move("quarter", u) == turn(turns * math.pi / 2)


@pytest.mark.parametrize(
    ("u", "x", "y"), [((0.5, 0.5), 0, 0), ((1.0, 0.0), 3, -2), ((0.3, 0.8), -1, 1), ((0.4, 0.6), -1, 0)]
)
def test_translation_is_whole_pixels_up_to_an_eighth(u, x, y):
    assert move("translation", *u) == affine(1, 0, 0, 1, x, y)


@pytest.mark.parametrize("u", [0.1, 0.5, 0.8])
def test_scale_and_rotation(u):
    s = 2 ** (0.2 * Q[u])
    assert move("scale", u) == affine(s, 0, 0, s)
    assert move("rotation", u) == turn((2 * u - 1) * math.pi)


@pytest.mark.parametrize(("u", "v"), [(0.1, 0.3), (0.8, 0.3), (0.8, 0.8)])
def test_squeeze_keeps_areas(u, v):
    """R diag(s, 1/s) Rᵀ, where R rotates by (2v − 1) π."""
    s, t = 2 ** (0.2 * Q[u]), (2 * v - 1) * math.pi
    c, n = math.cos(t), math.sin(t)
    assert move("squeeze", u, v) == affine(s * c * c + n * n / s, (s - 1 / s) * c * n,
                                           (s - 1 / s) * c * n, s * n * n + c * c / s)  # fmt: skip


@pytest.mark.parametrize(("u", "v"), [(0.1, 0.8), (0.5, 0.3)])
def test_offset_is_normal_in_eighths_of_the_sides(u, v):
    assert move("offset", u, v) == affine(1, 0, 0, 1, Q[u] / 8 * 24, Q[v] / 8 * 16)
