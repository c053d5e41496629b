"""Consistency terms against loops over examples."""

import math

import pytest
import torch

from sparring.augment.moves import MOVES
from sparring.augment.warp import warp
from sparring.errors import UserError
from sparring.game import CriticOutput, Verdict
from sparring.losses import consistency

G = torch.Generator().manual_seed(0)
X, FAKE = torch.rand(4, 2, 8, 8, generator=G), torch.rand(4, 2, 8, 8, generator=G)
W = torch.randn(128, 3, generator=G)
TRANSFORMS = {"real": lambda x: x + 1, "fake": lambda x: 2 * x}


def critic(x):
    """A linear logit, three logits of a category, and three codes."""
    outputs = x.flatten(1) @ W
    return CriticOutput(outputs[:, :1], {"category": outputs / 8, "code": outputs})


def verdict(**options):
    return Verdict(critic, X, FAKE, transforms=TRANSFORMS, **options)


def test_offsets_are_uniform_in_both_directions():
    by = consistency.offsets(5000, (3, 8, 8), torch.Generator().manual_seed(0))
    assert by.shape == (5000, 2) and -1 <= by.min() < -0.99 and 0.99 < by.max() < 1
    assert by.mean(0).tolist() == pytest.approx([0, 0], abs=0.05)
    assert by.var(0).tolist() == pytest.approx([1 / 3] * 2, abs=0.02)


def test_shift_moves_down_and_right():
    x = torch.arange(20.0).view(1, 1, 4, 5)
    down_right = consistency.shift(x, torch.tensor([[0.25, 0.4]]))
    up_left = consistency.shift(x, torch.tensor([[-0.5, -0.2]]))
    for i in range(4):
        for j in range(5):
            assert down_right[0, 0, i, j] == x[0, 0, max(i - 1, 0), max(j - 2, 0)]
            assert up_left[0, 0, i, j] == x[0, 0, min(i + 2, 3), min(j + 1, 4)]


@pytest.mark.parametrize("side", ["real", "fake"])
def test_images_are_shifted_by_an_eighth_of_their_sides_at_most(side):
    by = torch.tensor([[0.99, 0.0], [0.0, -0.99], [0.4, 0.4], [-0.6, 0.6]])  # 1 pixel, or none
    shift_scale = {0: (1, 0), 1: (0, -1), 2: (0, 0), 3: (-1, 1)}
    term = {"real": consistency.consistent_real, "fake": consistency.consistent_fake}[side]
    sample, view = {"real": X, "fake": FAKE}[side], TRANSFORMS[side]
    actual = term(verdict(draws={"shift": by}))
    for i, (down, right) in shift_scale.items():
        pixels = torch.tensor([[down / 8, right / 8]])
        other = consistency.shift(sample[i : i + 1], pixels)
        gap = critic(view(sample[i : i + 1])).logits - critic(view(other)).logits
        assert actual[i].item() == pytest.approx(gap.square().item(), rel=1e-4, abs=1e-6)
    with pytest.raises(UserError, match="needs images"):
        term(Verdict(lambda x: x, X[:, 0, 0], X[:, 0, 0], {"shift": by}))


def near(x: torch.Tensor, z: torch.Tensor) -> Verdict:
    regenerate = lambda latent: latent["z"].view(-1, 1, 1, 1) * torch.ones_like(x)  # noqa: E731
    return Verdict(
        critic, X, x, {}, latent={"z": z, "near": torch.tensor([[1.0], [-1.0], [2.0], [0.5]])}, regenerate=regenerate
    )


def test_latents_are_perturbed_by_sigma():
    z = torch.tensor([[0.1], [0.2], [0.3], [0.4]])
    at = torch.tensor([0.13, 0.17, 0.36, 0.415])
    made = at.view(-1, 1, 1, 1) * torch.ones_like(FAKE)
    v = near(FAKE, z)
    expected = (critic(FAKE).logits - critic(made).logits).square()[:, 0]
    torch.testing.assert_close(consistency.consistent_latent(1)(v), expected)
    torch.testing.assert_close(consistency.latent_diversity(1)(v), -(FAKE - made).square().mean((1, 2, 3)))


def test_affine_jitter_shifts_then_scales_then_squeezes():
    u = torch.rand(4, 5, generator=G)
    maps = [MOVES[name][0](numbers, (8, 8)) for name, numbers in
            (("translation", u[:, 3:]), ("scale", u[:, 2:3]), ("squeeze", u[:, :2]))]  # fmt: skip
    torch.testing.assert_close(consistency.affine_jitter(X, u), warp(X, maps[2] @ maps[1] @ maps[0]))
    maps = [MOVES["translation"][0](u[:, 1:3], (8, 8)), MOVES["scale"][0](u[:, :1], (8, 8))]
    torch.testing.assert_close(consistency.shift_scale(X, u[:, :3]), warp(X, maps[1] @ maps[0]))
    oblong = torch.zeros(1, 1, 8, 16)
    oblong[..., 4, 4] = 1
    right_down = consistency.shift_scale(oblong, torch.tensor([[0.5, 0.999, 0.999]]))  # ⅛ of 16, and of 8
    assert right_down[0, 0].round().nonzero().tolist() == [[5, 6]]


def test_mutual_information_against_its_sum():
    p, q = torch.rand(7, 3, generator=G).softmax(1), torch.rand(7, 3, generator=G).softmax(1)
    P = sum((torch.outer(a, b) + torch.outer(b, a)) / 2 for a, b in zip(p, q, strict=True)) / 7
    a, b = P.sum(1), P.sum(0)
    expected = sum(float(P[i, j]) * math.log(float(P[i, j] / a[i] / b[j])) for i in range(3) for j in range(3))
    assert float(consistency.mutual_information(p, q)) == pytest.approx(expected, abs=1e-6)
    assert float(consistency.mutual_information(q, p)) == pytest.approx(expected, abs=1e-6)


def test_invariant_category_is_minus_the_mutual_information():
    u = torch.rand(4, 5, generator=G)
    p = critic(TRANSFORMS["real"](X)).extras["category"].softmax(1)
    q = critic(TRANSFORMS["real"](consistency.affine_jitter(X, u))).extras["category"].softmax(1)
    actual = consistency.invariant_category(verdict(draws={"change": u}))
    torch.testing.assert_close(actual, -consistency.mutual_information(p, q))
    assert consistency.invariant_category.coupled


def test_invariant_codes_are_predicted_from_the_moved_fake():
    u, z = torch.rand(4, 3, generator=G), torch.randn(4, 5, generator=G)
    codes = critic(TRANSFORMS["fake"](consistency.shift_scale(FAKE, u))).extras["code"]
    actual = consistency.invariant_codes(2)(verdict(draws={"move": u}, latent={"z": z}))
    torch.testing.assert_close(actual, (codes - z[:, 2:]).square().sum(1) / 2)


def test_draws_have_the_size_that_each_term_needs():
    g = torch.Generator().manual_seed(0)
    c = consistency
    for term, name, width in ((c.consistent_real, "shift", 2), (c.consistent_fake, "shift", 2),
                              (c.consistent_latent(7), "near", 7), (c.latent_diversity(7), "near", 7),
                              (c.invariant_category, "change", 5), (c.invariant_codes(0), "move", 3)):  # fmt: skip
        assert set(term.draws) == {name} and term.draws[name](4, (2, 8, 8), g).shape == (4, width)
