"""Scores of pictures with right answers: against torchmetrics and closed forms."""

import math

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from sparring.metrics.image import paired
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


def test_distances_of_images_are_in_units_of_the_range():
    x, y = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    x[0], y[0] = 20, 71
    x[1], y[1] = 100, 100
    x[1, 0] = 202  # .4 in one of three channels
    assert l1(x, y).tolist() == pytest.approx([0.2, 0.4 / 3])
    assert psnr(x, y).tolist() == pytest.approx([-10 * math.log10(0.04), -10 * math.log10(0.16 / 3)])
    x[1] = 100
    assert psnr(x, y)[1] == 100


def test_retrieval_is_of_features_and_ties_are_no_nearer():
    truth = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    fake = torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 3.0]])
    # nearer than the partner: none of the first, none of the second (a tie), none of the third (a tie)
    assert retrieval_accuracy(fake, truth, 1) == 1
    assert retrieval_accuracy(fake.flip(0), truth, 1) == pytest.approx(1 / 3)  # the middle one stays
    assert retrieval_accuracy(fake.flip(0), truth, 2) == pytest.approx(1 / 3)
    assert retrieval_accuracy(fake.flip(0), truth, 3) == 1


def test_means_over_images_are_computed_in_chunks(monkeypatch):
    monkeypatch.setattr(paired, "_CHUNK", 2)
    x = torch.arange(5.0)
    assert paired._mean(lambda a, b: a - b, x, 3 * x) == -4


def test_baselines_of_images():
    x = torch.tensor([[[[1, 2, 3], [4, 50, 6], [7, 8, 9]]]], dtype=torch.uint8)
    # medians of what is around, edges repeated
    assert median_filter(x).tolist() == [[[[2, 3, 3], [4, 6, 6], [7, 8, 9]]]]
    two = torch.cat([x, 100 + x], 1)
    assert torch.equal(median_filter(two)[:, :1], median_filter(x))
    assert torch.equal(median_filter(two)[:, 1:], 100 + median_filter(x))
    far = torch.tensor([[[[0, 255, 0, 255]] * 4]], dtype=torch.uint8)
    cubic = resize_pixels(far, (8, 8), "bicubic")
    assert cubic.dtype == torch.uint8 and cubic.min() == 0 and cubic.max() == 255  # clamped, not wrapped
    colour = torch.tensor([10, 20, 31, 99], dtype=torch.uint8).view(1, 4, 1, 1)
    assert match_channels(colour, 1).flatten().tolist() == [20]
    assert match_channels(colour, 3).flatten().tolist() == [20] * 3
    assert match_channels(colour, 4) is colour
