"""Loss terms with running means in closed form."""

import math

import pytest
import torch
from torch import nn

from sparring.game import Verdict
from sparring.losses.running import HistoricalAverage, LeCam, PathLength, unpack_rows

X = torch.tensor([[1.0, 3.0], [2.0, -2.0]])
"""Logits of two examples of two patches."""


def test_lecam_is_the_mean_over_patches():
    """(D(x) − α_F)² + (D(G(z)) − α_R)², by hand for α = (1, −2)."""
    lecam = LeCam()
    lecam.alpha.copy_(torch.tensor([1.0, -2.0]))
    v = Verdict(lambda x: x, X, -X)
    expected = [((1 + 2) ** 2 + (3 + 2) ** 2 + (-1 - 1) ** 2 + (-3 - 1) ** 2) / 2,
                ((2 + 2) ** 2 + (-2 + 2) ** 2 + (-2 - 1) ** 2 + (2 - 1) ** 2) / 2]  # fmt: skip
    assert lecam(v).tolist() == pytest.approx(expected)


def test_lecam_averages_decay_by_99_percent():
    lecam, logits = LeCam(), X.clone().requires_grad_()
    notes = lecam.notes(Verdict(lambda x: x, logits, 2 * logits))
    assert notes["lecam"].tolist() == [[2.0, 4.0], [0.0, 0.0]] and not notes["lecam"].requires_grad
    lecam.after(notes)
    assert lecam.alpha.tolist() == pytest.approx([0.01 * 1, 0.01 * 2])
    lecam.after(notes)
    assert lecam.alpha.tolist() == pytest.approx([0.0199, 0.0398])


def test_historical_average_sums_over_all_weights():
    player = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    term = HistoricalAverage(player)
    assert {name.split(".")[0] for name, _ in term.named_parameters()} == {"means"}
    assert not any(p.requires_grad for p in term.parameters())
    before = [p.detach().clone() for p in player.parameters()]
    with torch.no_grad():
        for i, p in enumerate(player.parameters()):
            p += i + 1
    term(None).backward()
    sizes = [p.numel() for p in player.parameters()]
    assert term(None).item() == pytest.approx(sum((i + 1) ** 2 * n for i, n in enumerate(sizes)), rel=1e-5)
    for i, p in enumerate(player.parameters()):  # 2 (θ − mean)
        torch.testing.assert_close(p.grad, torch.full_like(p, 2.0 * (i + 1)))
    with torch.no_grad():
        term.after({})  # the mean of two
    for mean, old, p in zip(term.means, before, player.parameters(), strict=True):
        torch.testing.assert_close(mean.data, (old + p.detach()) / 2)


def length_of(G, z, y, condition=None, conditional=False):
    term = PathLength(G, conditional)
    return term, Verdict(nn.Identity(), y, y, condition=condition, latent={"z": z, "direction": y})


def test_path_length_has_a_gradient_where_the_generator_is_constant():
    scale = torch.zeros((), requires_grad=True)
    term, v = length_of(lambda z: scale * z, torch.ones(3, 4), torch.ones(3, 4))
    lengths = term.lengths(v)
    assert lengths.tolist() == pytest.approx([1e-6] * 3)
    lengths.sum().backward()
    assert torch.isfinite(scale.grad)


def test_mean_path_length_decays_without_gradient():
    scale = torch.tensor(3.0, requires_grad=True)
    y = torch.tensor([[3.0, 4.0], [0.0, 1.0]])  # of one row: no pixels to divide by
    term, v = length_of(lambda z: scale * z, torch.zeros(2, 2), y)
    assert term(v).tolist() == pytest.approx([15.0**2, 3.0**2])
    noted = term.notes(v)["path_length"]
    assert noted.tolist() == pytest.approx([15.0, 3.0]) and not noted.requires_grad
    term.after(term.notes(v))
    assert term.a.item() == pytest.approx(0.01 * 9)
    assert term(v).tolist() == pytest.approx([(15 - 0.09) ** 2, (3 - 0.09) ** 2])


@pytest.mark.parametrize("conditional", [True, False])
def test_only_a_conditional_generator_gets_the_condition(conditional):
    got = []

    def G(z, *condition):
        got.append(condition)
        return z

    condition = torch.tensor([[0, 1], [2, 0]])  # two packs of two
    term, v = length_of(G, torch.zeros(4, 2), torch.ones(4, 2), condition, conditional)
    term.lengths(v)
    assert [x.tolist() for x in got[0]] == ([[0, 1, 2, 0]] if conditional else [])
    term, v = length_of(G, torch.zeros(4, 2), torch.ones(4, 2), None, conditional)
    term.lengths(v)
    assert got[1] == ()


def test_path_lengths_are_in_full_precision():
    z, y = torch.zeros(1, 4, dtype=torch.bfloat16), torch.full((1, 1, 2, 2), 1.0, dtype=torch.bfloat16)
    term, v = length_of(lambda z: 300 * z.view(1, 1, 2, 2), z, y)
    assert term.lengths(v).dtype == torch.float32
    assert term.lengths(v).item() == pytest.approx(300 * math.sqrt(4) / 2, rel=1e-2)


def test_conditions_of_packs_become_rows_of_examples():
    y = torch.arange(6)
    assert torch.equal(unpack_rows(y, 6), y) and torch.equal(unpack_rows(y.view(2, 3), 6), y)


def test_path_lengths_of_styles_are_the_mean_over_layers():
    """G(w₁, w₂) = w₁ + 3w₂ has (1 + 9) ‖y‖² / 2."""

    class Styled:
        def styles(self, z, *condition):
            return torch.stack([z, z + 1], 1)

        def synthesis(self, w):
            return w[:, 0] + 3 * w[:, 1]

    y = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    term, v = length_of(Styled(), torch.zeros(2, 2), y)
    assert term.lengths(v).tolist() == pytest.approx([(5 * 25) ** 0.5, 5**0.5])
