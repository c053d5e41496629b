"""Restoration without networks: `experiments/scores/classical.py`."""

import numpy as np
import pytest
import torch


@pytest.fixture
def classical(experiments):
    from experiments.scores import classical

    return classical


def test_what_is_biharmonic_is_found_again(classical):
    i, j = np.meshgrid(np.arange(20.0), np.arange(24.0), indexing="ij")
    smooth = 3 * i + 2 * j + 0.2 * (i * i - j * j) + 120  # Δ²u = 0
    x = torch.from_numpy(np.stack([smooth, 255 - smooth])[None].round().clip(0, 255).astype(np.uint8))
    known = torch.ones(1, 1, 20, 24, dtype=torch.bool)
    known[:, :, 6:13, 8:15] = False
    found = classical.biharmonic(torch.where(known, x, 127), known)
    assert torch.equal(found[known.expand_as(x)], x[known.expand_as(x)])
    assert (found.int() - x.int()).abs().max() <= 2


def test_total_variation_takes_noise_away_and_keeps_the_mean(classical):
    g = torch.Generator().manual_seed(0)
    clean = torch.full((2, 1, 24, 24), 60, dtype=torch.uint8)
    clean[:, :, 8:16, 8:16] = 200
    noisy = (clean + 25 * torch.randn(clean.shape, generator=g)).round().clamp(0, 255).to(torch.uint8)
    made = classical.total_variation(noisy, 0.15)

    def variation(x: torch.Tensor) -> float:
        return float(x.double().diff(dim=2).abs().sum() + x.double().diff(dim=3).abs().sum())

    def error(x: torch.Tensor) -> float:
        return float((x.double() - clean).square().mean())

    assert variation(made) < 0.5 * variation(noisy) and error(made) < 0.3 * error(noisy)
    flat = torch.full((1, 1, 8, 8), 99, dtype=torch.uint8)
    assert torch.equal(classical.total_variation(flat, 0.3), flat)
    assert float(made.double().mean()) == pytest.approx(float(noisy.double().mean()), abs=0.5)  # the mean stays


def test_grey_in_its_mean_colour_is_right_where_colour_is_a_line_in_grey(classical):
    g = torch.Generator().manual_seed(0)
    grey = torch.randint(256, (3, 1, 8, 9), generator=g, dtype=torch.uint8)
    colour = torch.cat([grey // 2, 255 - grey, torch.full_like(grey, 40)], 1)
    made = classical.tinted(grey, (grey, colour))
    assert made.shape == colour.shape and (made.int() - colour.int()).abs().max() <= 1


def test_a_partner_is_the_answer_to_the_nearest_picture(classical):
    given = torch.tensor([10, 100, 200], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 2, 3, 4)
    truth = torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 5, 5)
    asked = torch.stack([given[2] - 30, given[0] + 40])
    assert torch.equal(classical.partners(asked, (given, truth)), truth[[2, 0]])
