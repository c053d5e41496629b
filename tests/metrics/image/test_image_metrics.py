"""Scores of pictures themselves: likeness, patches, classes."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from scipy.stats import entropy, wasserstein_distance
from torch import nn
from torchmetrics.functional.image import structural_similarity_index_measure as theirs
from torchmetrics.image.inception import InceptionScore

from sparring.metrics.image.classifier_scores import inception_score, reverse_kl
from sparring.metrics.image.ms_ssim import _WEIGHTS, ms_ssim, ms_ssim_diversity, scales
from sparring.metrics.image.sliced_wasserstein import PROJECTIONS, projected, sliced_wasserstein


def pictures(n, c, side, seed=0):
    return torch.randint(256, (n, c, side, side), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def smooth(n, c, side, seed=0):
    rough = pictures(n, c, side // 4, seed).float()
    return nn.functional.interpolate(rough, scale_factor=4.0, mode="bilinear").round().to(torch.uint8)


def noised(x):
    return (x.float() + 40 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 255)


def test_ssim_against_torchmetrics():
    x = smooth(3, 2, 16)
    _, full = theirs(noised(x).double(), x.double(), data_range=255.0, reduction="none", return_full_image=True)
    expected = full[:, :, 5:-5, 5:-5].mean((1, 2, 3))  # they mirror the borders, and the paper leaves them out
    torch.testing.assert_close(ms_ssim(x, noised(x)), expected.double(), rtol=1e-6, atol=1e-9)


def by_scipy(x, y, count):
    """Wang et al. 2003, eq. 7, of two grey pictures."""
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at**2) / 4.5)
    mean = lambda z: convolve2d(z, window / window.sum(), mode="valid")  # noqa: E731
    weights, score = np.array(_WEIGHTS[:count]), 1.0
    for i in range(count):
        vx, vy = mean(x * x) - mean(x) ** 2, mean(y * y) - mean(y) ** 2
        cs = (2 * (mean(x * y) - mean(x) * mean(y)) + 58.5225) / (vx + vy + 58.5225)
        luminance = (2 * mean(x) * mean(y) + 6.5025) / (mean(x) ** 2 + mean(y) ** 2 + 6.5025)
        last = i == count - 1
        score *= max(0.0, (cs * luminance if last else cs).mean()) ** (weights[i] / weights.sum())
        if not last:
            x, y = (z.reshape(len(z) // 2, 2, -1, 2).mean((1, 3)) for z in (x, y))
    return score


@pytest.mark.parametrize("side, count", [(176, 5), (64, 3), (28, 2), (16, 1)])
def test_ms_ssim_against_scipy(side, count):
    x = smooth(2, 1, side)
    y = noised(x)
    assert scales(side) == count
    expected = [by_scipy(a.double().numpy(), b.double().numpy(), count) for a, b in zip(x[:, 0], y[:, 0], strict=True)]
    torch.testing.assert_close(ms_ssim(x, y), torch.tensor(expected), rtol=1e-9, atol=0)


def test_likeness_orders_diversity():
    diverse, one = smooth(60, 1, 28), smooth(1, 1, 28).expand(60, -1, -1, -1)
    assert ms_ssim_diversity(one) == pytest.approx(1)
    few = smooth(3, 1, 28).repeat(20, 1, 1, 1)
    assert ms_ssim_diversity(diverse) < ms_ssim_diversity(few) < 0.9


def test_projected_distance_against_scipy():
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(200, 1, generator=g), torch.randn(200, 1, generator=g) * 2 + 1
    expected = wasserstein_distance(a[:, 0].numpy(), b[:, 0].numpy())
    assert projected(a, b, torch.Generator().manual_seed(1)) == pytest.approx(expected, rel=1e-5)


def test_a_shift_in_closed_form():
    a = torch.zeros(50, 3)
    shift = torch.tensor([3.0, 0.0, 0.0])
    directions = torch.randn(PROJECTIONS, 3, generator=torch.Generator().manual_seed(1))
    expected = 3 * (directions[:, 0].abs() / directions.norm(dim=1)).mean()
    assert projected(a, a + shift, torch.Generator().manual_seed(1)) == pytest.approx(float(expected), rel=1e-5)


def test_patches_tell_texture_by_level():
    real, alike = smooth(80, 1, 64), smooth(80, 1, 64, 1)
    noisy = (alike.int() + torch.randint(-30, 31, alike.shape, generator=torch.Generator().manual_seed(2))).clamp(
        0, 255
    )
    near, far = sliced_wasserstein(alike, real), sliced_wasserstein(noisy.to(torch.uint8), real)
    assert len(near) == len(far) == 3
    assert far[0] > 3 * near[0] and far[0] > 2 * far[2]


def test_inception_score_against_torchmetrics():
    class Flat(nn.Module):
        num_features = 12

        def forward(self, x):
            return x.flatten(1)

    logits = torch.rand(100, 12, generator=torch.Generator().manual_seed(0)) * 4
    theirs = InceptionScore(Flat(), splits=1)
    theirs.update(logits.view(-1, 3, 2, 2))
    assert inception_score(logits.softmax(1), 1) == pytest.approx(float(theirs.compute()[0]), rel=1e-5)


def test_inception_score_at_its_ends():
    sure = torch.eye(10).repeat(20, 1)
    assert inception_score(sure, 1) == pytest.approx(10)
    assert inception_score(torch.full((200, 10), 0.1)) == pytest.approx(1)


def test_reverse_kl_against_scipy():
    guesses = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    shares = torch.tensor([0.2, 0.3, 0.4, 0.1])
    expected = entropy([0.5, 0.3, 0.2, 0.0], shares.numpy())
    assert reverse_kl(guesses, shares) == pytest.approx(float(expected), rel=1e-6)
