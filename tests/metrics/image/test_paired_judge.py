"""Scores of pictures with right answers: against torchmetrics and closed forms."""

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from sparring.metrics.image.ms_ssim import ssim_of_pixels
from sparring.metrics.image.paired import l1, psnr, retrieval_accuracy
from sparring.metrics.image.paired_judge import match_channels, median_filter, resize_pixels


def images(n: int = 6, c: int = 3) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randint(256, (n, c, 24, 20), generator=g, dtype=torch.uint8)


def test_psnr_and_ssim_are_torchmetrics():
    x, y = images(), images().flip(0)
    y = ((x.int() + y.int()) // 2).to(torch.uint8)
    for a, b, decibels, structure in zip(x, y, psnr(x, y), ssim_of_pixels(x, y), strict=True):
        a, b = a[None].double(), b[None].double()
        expected = peak_signal_noise_ratio(a, b, data_range=255.0)
        assert float(decibels) == pytest.approx(float(expected), rel=1e-6)
        _, places = structural_similarity_index_measure(a, b, data_range=255.0, return_full_image=True)
        inner = places[..., 5:-5, 5:-5]  # theirs are beyond the border too, where pixels are mirrored
        assert float(structure) == pytest.approx(float(inner.mean()), rel=1e-6)


def test_what_is_right_to_the_bit():
    x = images()
    assert not l1(x, x).any() and (psnr(x, x) == 100).all() and ssim_of_pixels(x, x).numpy() == pytest.approx(1)
    assert l1(x, 255 - x).mean() == pytest.approx(((2 * x.double() - 255).abs() / 255).mean())


def test_retrieval_counts_who_is_nearer():
    truth = torch.arange(10.0)[:, None]
    assert retrieval_accuracy(truth, truth, 1) == 1
    shifted = truth + 0.6  # the next one is nearer, but for the last
    assert retrieval_accuracy(shifted, truth, 1) == pytest.approx(0.1) and retrieval_accuracy(shifted, truth, 2) == 1
    assert retrieval_accuracy(torch.zeros(10, 1), truth, 5) == pytest.approx(0.5)


def test_trivial_answers():
    x = images()
    flat = torch.full_like(x, 90)
    assert torch.equal(median_filter(flat), flat)
    spot = flat.clone()
    spot[:, :, 5, 5] = 255
    assert torch.equal(median_filter(spot), flat)
    assert resize_pixels(x, (48, 40), "nearest")[0, 0, 3, 3] == x[0, 0, 1, 1]
    assert match_channels(x, 1).shape[1] == 1 and match_channels(x[:, :1], 3).shape[1] == 3
