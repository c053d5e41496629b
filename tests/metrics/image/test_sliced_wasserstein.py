"""The sliced Wasserstein distance against NumPy and SciPy, written from the paper's description."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance
from sklearn.datasets import load_sample_images

from sparring.metrics.image import sliced_wasserstein as sw

BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, None] / 256


def filtered(x: np.ndarray, gain: int = 1) -> np.ndarray:
    """SciPy's 'mirror' does not repeat the edge, like PyTorch's 'reflect'."""
    return convolve(x, gain * BINOMIAL, mode="mirror")


def pyramid(x: np.ndarray) -> list[np.ndarray]:
    """A level is what the next one, enlarged by zeros between its pixels and a filter of sum 4, lacks."""
    levels = []
    while min(x.shape[2:]) >= 32 and x.shape[2] % 2 == x.shape[3] % 2 == 0:
        half, spread = filtered(x)[:, :, ::2, ::2], np.zeros_like(x)
        spread[:, :, ::2, ::2] = half
        levels.append(x - filtered(spread, gain=4))
        x = half
    return [*levels, x]


def standardised(patches: np.ndarray) -> np.ndarray:
    """Patches (k, c, 49) → (k, c · 49), at mean 0 and deviation 1 by channel."""
    centred = patches - patches.mean((0, 2), keepdims=True)
    return (centred / centred.std((0, 2), keepdims=True)).reshape(len(patches), -1)


def patches(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Of these positions (n, k), counted by rows."""
    n, c, _, w = x.shape
    rows, columns = places // (w - 6), places % (w - 6)
    found = [
        x[i, :, a : a + 7, b : b + 7].reshape(c, 49) for i in range(n) for a, b in zip(rows[i], columns[i], strict=True)
    ]
    return standardised(np.stack(found))


def images(n: int, c: int, h: int, w: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(20 * (seed + 1), (n, c, h, w), generator=g, dtype=torch.uint8)


def photographs(n: int, which: int) -> torch.Tensor:
    """Crops (n, 3, 64, 64) of one of scikit-learn's photographs."""
    g, picture = np.random.RandomState(which), load_sample_images().images[which]
    places = [(g.randint(picture.shape[0] - 64), g.randint(picture.shape[1] - 64)) for _ in range(n)]
    return torch.from_numpy(np.stack([picture[y : y + 64, x : x + 64].transpose(2, 0, 1) for y, x in places]))


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
    """With the same patches and directions, on as many images as the smaller set has."""
    monkeypatch.setattr(sw, "PROJECTIONS", 48)
    fake, real = images(7, 2, 32, 36, 0), images(5, 2, 32, 36, 1)
    g, expected = torch.Generator().manual_seed(3), []
    for a, b in zip(pyramid(fake[:5].double().numpy()), pyramid(real.double().numpy()), strict=True):
        count = (a.shape[2] - 6) * (a.shape[3] - 6)
        a, b = (patches(x, torch.randint(count, (5, 128), generator=g).numpy()) for x in (a, b))
        directions = torch.randn(48, 98, generator=g).double().numpy()
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        expected.append(np.mean([wasserstein_distance(a @ d, b @ d) for d in directions]))
    assert sw.sliced_wasserstein(fake, real, seed=3) == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(sw, "MAX_IMAGES", 4)
    assert sw.sliced_wasserstein(fake, real, 3) == sw.sliced_wasserstein(fake[:4], real[:4], 3)


def test_photographs_score_as_by_the_paper():
    """With other patches and directions: means of two draws."""
    a, b = photographs(40, 0), photographs(40, 1)
    ours = np.mean([sw.sliced_wasserstein(a, b, seed) for seed in range(2)], axis=0)
    levels = list(zip(pyramid(a.double().numpy()), pyramid(b.double().numpy()), strict=True))
    theirs = np.mean([[independent(x, y, np.random.RandomState(seed)) for x, y in levels] for seed in range(2)], axis=0)
    np.testing.assert_allclose(ours, theirs, rtol=0.05)


def independent(x: np.ndarray, y: np.ndarray, g: np.random.RandomState) -> float:
    """Mean sorted distance of 128 patches an image, over 512 directions."""
    count = (x.shape[2] - 6) * (x.shape[3] - 6)
    x, y = (patches(z, g.randint(count, size=(len(z), 128))).astype(np.float32) for z in (x, y))
    directions = g.randn(x.shape[1], 512).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    return float(np.abs(np.sort(x @ directions, axis=0) - np.sort(y @ directions, axis=0)).mean())


def test_patches_of_many_pictures_and_of_one_value():
    x = torch.zeros(201, 1, 7, 8)
    x[200] = 1000.0
    actual = sw._patches(x, torch.Generator().manual_seed(0))
    assert actual.shape == (201 * 128, 49)
    assert float(actual.mean()) == pytest.approx(0, abs=1e-4) and float(actual.std()) == pytest.approx(1, abs=1e-3)
    assert torch.isfinite(sw._patches(x[:3], torch.Generator())).all()  # no spread to divide by
