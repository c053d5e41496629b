"""The sliced Wasserstein distance against NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d
from scipy.stats import wasserstein_distance

from sparring.metrics.image import sliced_wasserstein as sw

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16


def blurred(x: np.ndarray) -> np.ndarray:
    """SciPy's 'mirror' does not repeat the edge, like PyTorch's 'reflect'."""
    return convolve1d(convolve1d(x, BINOMIAL, 2, mode="mirror"), BINOMIAL, 3, mode="mirror")


def pyramid(x: np.ndarray) -> list[np.ndarray]:
    levels = []
    while min(x.shape[2:]) >= 32 and x.shape[2] % 2 == x.shape[3] % 2 == 0:
        half = blurred(x)[:, :, ::2, ::2]
        levels.append(x - blurred(half.repeat(2, 2).repeat(2, 3)))
        x = half
    return [*levels, x]


def patches(x: np.ndarray, g: torch.Generator) -> np.ndarray:
    """64 per image, drawn for at most 200 images at once."""
    n, c, h, w = x.shape
    places = torch.cat([torch.randint((h - 6) * (w - 6), (min(200, n - i), 64), generator=g) for i in range(0, n, 200)])
    actual = [x[i, :, p // (w - 6) : p // (w - 6) + 7, p % (w - 6) : p % (w - 6) + 7].reshape(c, 49)
             for i in range(n) for p in places[i].tolist()]  # fmt: skip
    actual = np.stack(actual)
    actual = (actual - actual.mean((0, 2), keepdims=True)) / actual.std((0, 2), keepdims=True, ddof=1)
    return actual.reshape(len(actual), -1)


def images(n: int, c: int, h: int, w: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(20 * (seed + 1), (n, c, h, w), generator=g, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("h", "w", "levels"), [(64, 32, 2), (32, 64, 2), (30, 62, 1), (66, 70, 2), (128, 64, 3), (33, 64, 1), (64, 65, 1)]
)
def test_the_pyramid(h, w, levels):
    x = images(2, 3, h, w, 0)
    actual = sw._pyramid(x)
    expected = pyramid(x.double().numpy())
    assert len(actual) == len(expected) == levels
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b, atol=1e-4)


def test_the_score_of_every_level(monkeypatch):
    """On as many images as the smaller set has."""
    monkeypatch.setattr(sw, "PROJECTIONS", 48)
    fake, real = images(7, 2, 32, 36, 0), images(5, 2, 32, 36, 1)
    g, expected = torch.Generator().manual_seed(3), []
    for a, b in zip(pyramid(fake[:5].double().numpy()), pyramid(real.double().numpy()), strict=True):
        a, b = patches(a, g), patches(b, g)
        directions = torch.randn(48, 98, generator=g).double().numpy()
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        expected.append(np.mean([wasserstein_distance(a @ d, b @ d) for d in directions]))
    assert sw.sliced_wasserstein(fake, real, seed=3) == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(sw, "_MAX_IMAGES", 4)
    assert sw.sliced_wasserstein(fake, real, 3) == sw.sliced_wasserstein(fake[:4], real[:4], 3)


def test_patches_of_many_pictures_and_of_one_value():
    x = torch.zeros(201, 1, 7, 8)
    x[200] = 1000.0
    actual = sw._patches(x, torch.Generator().manual_seed(0))
    assert actual.shape == (201 * 64, 49)
    assert float(actual.mean()) == pytest.approx(0, abs=1e-4) and float(actual.std()) == pytest.approx(1, abs=1e-3)
    assert torch.isfinite(sw._patches(x[:3], torch.Generator())).all()  # no spread to divide by
