"""Colour augmentations against their formulas."""

import math

import pytest
import torch

from sparring.augment.tints import TINTS

X = torch.rand(3, 3, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
U = torch.tensor([[0.1], [0.5], [0.8]], dtype=torch.float64)
Q = torch.special.ndtri(U)
GREY = X.mean(1, keepdim=True)


def by_example(x: torch.Tensor) -> torch.Tensor:
    return x.view(-1, 1, 1, 1)


EXPECTED = {
    "brighten": X + by_example(U - 0.5),
    "saturate": GREY + (X - GREY) * by_example(2 * U),
    "contrast": X.mean((1, 2, 3), keepdim=True) * by_example(0.5 - U) + X * by_example(U + 0.5),
    "brightness": X + by_example(0.2 * Q),
    "gain": X * by_example(2 ** (Q / 2)),
    "luma": X - 2 * GREY * by_example((U < 0.5).double()),
    "saturation": GREY + (X - GREY) * by_example(2**Q),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_formula(name):
    tint, numbers = TINTS[name]
    assert numbers == 1
    torch.testing.assert_close(tint(X, U), EXPECTED[name])


def test_hue_rotates_around_the_grey_axis():
    """By the matrix exponential of the angle times the cross product with (1, 1, 1)/√3; u = ½ is no rotation."""
    tint, _ = TINTS["hue"]
    axis = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=torch.float64) / math.sqrt(3)
    for x, u, actual in zip(X, U, tint(X, U), strict=True):
        R = torch.linalg.matrix_exp((2 * u - 1) * math.pi * axis)
        torch.testing.assert_close(actual, torch.einsum("ij,jhw->ihw", R, x))


def test_colour_tints_keep_further_channels_and_grey_images():
    more = torch.cat([X, X[:, :2]], 1)
    for name in ("luma", "hue", "saturation"):
        actual = TINTS[name][0](more, U)
        assert actual.shape == more.shape and torch.equal(actual[:, 3:], more[:, 3:])
        torch.testing.assert_close(actual[:, :3], TINTS[name][0](X, U))
        assert torch.equal(TINTS[name][0](X[:, :2], U), X[:, :2])


@pytest.mark.parametrize(
    ("u", "rows", "columns"),
    [
        ((0.5, 0.5), (1, 3), (2, 5)),
        ((0.0, 0.99), (0, 1), (4, 6)),
        ((0.99, 0.0), (2, 4), (0, 2)),
        ((0.3, 0.4), (0, 2), (1, 4)),
    ],
)
def test_cutout_covers_half_of_each_side(u, rows, columns):
    """2×3 of 4×6 pixels, from ⌊centre · side⌋ − side // 4."""
    tint, numbers = TINTS["cutout"]
    assert numbers == 2
    actual = tint(X, torch.tensor([u] * 3, dtype=torch.float64))
    expected = X.clone()
    expected[:, :, slice(*rows), slice(*columns)] = 0
    assert torch.equal(actual, expected)
