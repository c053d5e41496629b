"""Auxiliary loss terms against loops over examples."""

import math

import pytest
import torch
from torch import nn

from sparring.errors import UserError
from sparring.game import CriticOutput, Verdict
from sparring.losses import auxiliary
from sparring.networks.rows import RowGenerator


def verdict(real: dict, fake: dict, **options) -> Verdict:
    """A verdict whose critic has these extras for the real and for the fake sample."""
    a, b = torch.zeros(3, 2), torch.ones(3, 2)
    return Verdict(lambda x: CriticOutput(torch.zeros(3, 1), real if x is a else fake), a, b, **options)


def cross_entropy(logits: list[float], y: int) -> float:
    return math.log(sum(math.exp(x) for x in logits)) - logits[y]


REAL = torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.0, -0.5], [0.2, 0.4, 0.6]])
FAKE = torch.tensor([[2.0, 0.0, -1.0], [0.1, 0.7, 0.3], [-1.0, 1.0, 0.0]])
Y = torch.tensor([2, 0, 1])


def test_class_terms_are_cross_entropies():
    v = verdict({"class": REAL}, {"class": FAKE}, condition=Y)
    for term, logits in ((auxiliary.class_of_real, REAL), (auxiliary.class_of_fake, FAKE)):
        expected = [cross_entropy(row, y) for row, y in zip(logits.tolist(), Y.tolist(), strict=True)]
        assert term(v).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_critic_without_the_head_is_refused():
    with pytest.raises(UserError, match="has no output 'class'"):
        auxiliary.class_of_real(verdict({}, {}, condition=Y))


def test_contrastive_margins():
    """Cosines to the own class are capped at .98, those to other classes from below at .02."""
    e = torch.eye(3)
    y = torch.arange(3)
    near = torch.full((3, 3), 0.5)
    for own, other in ((0.98, 0.0), (0.99, 0.01), (1.0, -0.4)):
        near.fill_diagonal_(own)
        embedding = torch.linalg.cholesky(other * torch.ones(3, 3) + (1 - other) * e)
        output = CriticOutput(torch.zeros(3, 1), {"embedding": embedding, "class": near})
        # attract = 0 and both others repel by exp 0: −log 1/(1 + 2)
        torch.testing.assert_close(auxiliary.contrastive(output, y), torch.full((3,), math.log(3.0)))


def test_contrast_terms_read_their_side():
    output = [{"embedding": torch.eye(3), "class": x} for x in (REAL / 4, FAKE / 4)]
    v = verdict(*output, condition=Y)
    torch.testing.assert_close(auxiliary.contrast_of_real(v), auxiliary.contrastive(v.output_real, Y))
    torch.testing.assert_close(auxiliary.contrast_of_fake(v), auxiliary.contrastive(v.output_fake, Y))
    assert auxiliary.contrast_of_real.coupled and auxiliary.contrast_of_fake.coupled
    assert not torch.allclose(auxiliary.contrast_of_real(v), auxiliary.contrast_of_fake(v))


def test_info_nce_is_the_mean_over_positions_and_layers():
    g = torch.Generator().manual_seed(0)
    layers = [[nn.functional.normalize(torch.randn(2, k, 5, generator=g), dim=2) for _ in range(2)] for k in (3, 4)]
    actual = auxiliary.nce(*zip(*layers, strict=True))
    for i in range(2):
        expected = 0.0
        for q, k in layers:
            n = q.shape[1]
            expected += sum(
                cross_entropy([float(q[i, a] @ k[i, b]) / 0.07 for b in range(n)], a) for a in range(n)
            ) / n / 2  # fmt: skip
        assert float(actual[i]) == pytest.approx(expected, rel=1e-4)


def test_feature_matching_is_the_mean_squared_difference_of_means():
    v = verdict({"features": REAL}, {"features": FAKE})
    gap = REAL.mean(0) - FAKE.mean(0)
    assert float(auxiliary.feature_matching(v)) == pytest.approx(float((gap**2).sum()) / 3, rel=1e-5)
    assert auxiliary.feature_matching.coupled


def test_quarter_turns_are_drawn_evenly():
    drawn = auxiliary.quarter_turns(4000, (3, 8, 8), torch.Generator().manual_seed(0))
    assert drawn.shape == (4000,) and (drawn.bincount() / 4000).tolist() == pytest.approx([0.25] * 4, abs=0.03)


@pytest.mark.parametrize("side", ["real", "fake"])
def test_rotation_is_the_cross_entropy_of_the_rotation(side):
    g = torch.Generator().manual_seed(0)
    x, other, k = (
        torch.rand(5, 1, 3, 3, generator=g),
        torch.rand(5, 1, 3, 3, generator=g),
        torch.tensor([3, 0, 2, 1, 1]),
    )
    W = torch.randn(9, 4, generator=g)

    def critic(sample):
        return CriticOutput(sample.flatten(1)[:, :1], {"rotation": sample.flatten(1) @ W})

    transforms = {"real": lambda s: 2 * s, "fake": lambda s: s - 1}
    v = Verdict(critic, *((x, other) if side == "real" else (other, x)), {"quarters": k}, transforms=transforms)
    term = {"real": auxiliary.rotation_of_real, "fake": auxiliary.rotation_of_fake}[side]
    for i, value in enumerate(term(v).tolist()):
        seen = transforms[side](torch.rot90(x[i], int(k[i]), (1, 2)))
        assert value == pytest.approx(cross_entropy((seen.flatten() @ W).tolist(), int(k[i])), rel=1e-4)


def test_only_square_images_are_rotated():
    for bad in (torch.zeros(2, 3), torch.zeros(2, 1, 3, 4), (torch.zeros(2, 1, 3, 3),)):
        with pytest.raises(UserError, match="square"):
            auxiliary.rotate(bad, torch.tensor([0, 1]))


def test_condition_match_is_the_mean_log_probability_of_a_pack():
    """Rows of two columns (3 and 2 options) and one number without a condition; packs of two."""
    rows = torch.tensor([[0.5, 0.25, 0.25, 0.9, 0.1, 0.7], [0.2, 0.3, 0.5, 0.6, 0.4, -1.0],
                         [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.1, 0.8, 0.1, 0.5, 0.5, 0.3]])  # fmt: skip
    condition = torch.zeros(4, 5)
    condition[[0, 1, 2, 3], [1, 3, 2, 4]] = 1  # shares .25, .6, 0 and .5
    logs = [-math.log(p) for p in (0.25, 0.6, 1e-6, 0.5)]
    alone = auxiliary.condition_match(Verdict(lambda x: x, rows, rows, condition=condition))
    assert alone.tolist() == pytest.approx(logs, rel=1e-5)
    packed = auxiliary.condition_match(
        Verdict(lambda x: x, rows.view(2, -1), rows.view(2, -1), condition=condition.view(2, 2, 5))
    )
    assert packed.tolist() == pytest.approx([sum(logs[:2]) / 2, sum(logs[2:]) / 2], rel=1e-5)
    for wrong in (None, torch.tensor([0, 1, 2, 0])):
        with pytest.raises(UserError, match="rows of a table"):
            auxiliary.condition_match(Verdict(lambda x: x, rows, rows, condition=wrong))
    with pytest.raises(UserError, match="rows of a table"):
        auxiliary.condition_match(Verdict(lambda x: x, rows, rows[:, None], condition=condition))


def test_category_and_codes_follow_the_latent():
    """Latents of 2 numbers, a category of 3 and 2 codes."""
    z = torch.tensor([[9.0, 9.0, 0.0, 1.0, 0.0, 0.5, -1.0], [9.0, 9.0, 1.0, 0.0, 0.0, 0.0, 2.0]])
    logits = REAL[:2]
    v = verdict({}, {"category": logits, "code": torch.tensor([[1.0, 1.0], [0.5, 1.0]])}, latent={"z": z})
    expected = [cross_entropy(row, y) for row, y in zip(logits.tolist(), (1, 0), strict=True)]
    assert auxiliary.category_loss(2, 3)(v).tolist() == pytest.approx(expected, rel=1e-5)
    assert auxiliary.code_loss(5)(v).tolist() == pytest.approx([(0.25 + 4) / 2, (0.25 + 1) / 2])


def test_orthogonal_regulariser_sums_squared_products_of_different_filters():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5), nn.Conv2d(2, 3, 2))
    expected = 0.0
    for layer in net:
        W = layer.weight.detach().flatten(1)
        expected += sum(float(W[i] @ W[j]) ** 2 for i in range(len(W)) for j in range(len(W)) if i != j)
    assert auxiliary.orthogonal_regulariser(net)(None).item() == pytest.approx(expected, rel=1e-5)


def test_likelihood_is_the_generators_on_real_rows():
    calls = []

    class Known(RowGenerator):
        def nll(self, rows, z, *condition):
            calls.append((rows, z, *condition))
            return rows.sum(1)

    rows, fake, z, condition = torch.rand(3, 4), torch.rand(3, 4), torch.rand(3, 2), torch.rand(3, 4)
    term = auxiliary.likelihood(Known([4], [0], 2))
    actual = term(Verdict(lambda x: x, rows, fake, condition=condition, latent={"z": z}))
    assert torch.equal(actual, rows.sum(1)) and [x is y for x, y in zip(calls[0], (rows, z, condition), strict=True)]
    term(Verdict(lambda x: x, rows, fake, latent={"z": z}))
    assert len(calls[1]) == 2
    with pytest.raises(UserError, match="likelihood"):
        auxiliary.likelihood(nn.Linear(2, 2))
