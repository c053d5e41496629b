"""MS-SSIM: number of scales, and the pairs of its diversity score."""

import pytest
import torch

from sparring.metrics.image import ms_ssim


@pytest.mark.parametrize(
    ("side", "count"),
    [(5, 1), (11, 1), (21, 1), (22, 2), (43, 2), (44, 3), (88, 4), (175, 4), (176, 5), (999, 5)],
)
def test_number_of_scales(side, count):
    assert ms_ssim.scales(side) == count


def test_scales_are_of_the_shorter_side():
    x = torch.randint(256, (2, 1, 24, 60), dtype=torch.uint8)
    y = torch.randint(256, (2, 1, 24, 60), dtype=torch.uint8)
    torch.testing.assert_close(ms_ssim.ms_ssim(x, y), ms_ssim.ms_ssim(x.mT, y.mT))


def test_diversity_is_the_mean_over_pairs_of_different_images(monkeypatch):
    pairs = []

    def record(x, y):
        pairs.extend(zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))
        return (x - y).abs().flatten().double()

    monkeypatch.setattr(ms_ssim, "ms_ssim", record)
    images = torch.arange(7.0).view(7, 1, 1, 1)
    actual = ms_ssim.ms_ssim_diversity(images)
    assert len(pairs) == 2000 and all(a != b for a, b in pairs) and len(set(pairs)) == 42
    assert actual == pytest.approx(sum(abs(a - b) for a, b in pairs) / 2000)
    assert ms_ssim.ms_ssim_diversity(images) == actual != ms_ssim.ms_ssim_diversity(images, seed=1)
