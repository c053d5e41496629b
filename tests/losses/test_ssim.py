"""Structural similarity against loops over windows."""

import numpy as np
import pytest
import torch

from sparring.losses.ssim import ssim, ssim_maps


def by_hand(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, and contrast times structure, of images (h, w)."""
    side = min(11, *x.shape)
    at = np.arange(side) - (side - 1) / 2
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    places = [(i, j) for i in range(x.shape[0] - side + 1) for j in range(x.shape[1] - side + 1)]
    actual = []
    for i, j in places:
        a, b = x[i : i + side, j : j + side], y[i : i + side, j : j + side]
        ma, mb = (window * a).sum(), (window * b).sum()
        va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
        both = (window * (a - ma) * (b - mb)).sum()
        actual.append(((2 * ma * mb + c1) / (ma**2 + mb**2 + c1), (2 * both + c2) / (va + vb + c2)))
    return tuple(np.array(actual).T)


@pytest.mark.parametrize("size", [(12, 14), (7, 9), (4, 11)])
def test_against_the_formula(size):
    g = np.random.default_rng(0)
    x = g.uniform(0, 20, (3, 2, *size))  # dark and flat enough for both constants to count
    y = x * g.uniform(0.5, 1.0, (3, 2, 1, 1)) + g.normal(0, 3, x.shape)
    luminance, contrast = ssim_maps(torch.tensor(x), torch.tensor(y))
    for n in range(3):
        expected = [by_hand(x[n, c], y[n, c]) for c in range(2)]
        for c, (l, s) in enumerate(expected):
            np.testing.assert_allclose(luminance[n, c].flatten(), l, rtol=1e-9)
            np.testing.assert_allclose(contrast[n, c].flatten(), s, rtol=1e-9)
        mean = np.mean([l * s for l, s in expected])
        assert float(ssim(torch.tensor(x), torch.tensor(y))[n]) == pytest.approx(mean, rel=1e-9)
