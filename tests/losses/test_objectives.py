"""Objectives and penalties against their closed forms."""

import math

import pytest
import torch
from torch import nn

from sparring.errors import UserError
from sparring.game import CriticOutput, Round, ScheduledBuffer, Verdict, l1_per_example, per_example
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.losses.objectives import (
    OBJECTIVES,
    TopK,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    one_sided_label_smoothing,
    relativistic,
    relativistic_average,
    uses_logit_differences,
    wasserstein,
)
from sparring.losses.penalties import PENALTIES, dragan, drift, lipschitz, r1, r2
from sparring.losses.running import LeCam
from sparring.priors import normal

R, F = torch.tensor([[0.7], [-1.3]]), torch.tensor([[0.2], [2.5]])


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


REAL, FAKE = torch.zeros(2, 3), torch.ones(2, 3)


def verdict():
    """A critic that answers R on the real batch and F on the fake one."""
    return Verdict(lambda x: R if x is REAL else F, REAL, FAKE)


# Per paper: the critic's loss at (r, f), and the generator's.
EXPECTED = {
    minimax: (lambda r, f: -math.log(sigmoid(r)) - math.log(1 - sigmoid(f)), lambda r, f: math.log(1 - sigmoid(f))),
    non_saturating: (lambda r, f: -math.log(sigmoid(r)) - math.log(1 - sigmoid(f)), lambda r, f: -math.log(sigmoid(f))),
    least_squares: (lambda r, f: ((r - 1) ** 2 + f**2) / 2, lambda r, f: (f - 1) ** 2 / 2),
    wasserstein: (lambda r, f: f - r, lambda r, f: -f),
    hinge: (lambda r, f: max(0, 1 - r) + max(0, 1 + f), lambda r, f: -f),
    relativistic: (lambda r, f: -math.log(sigmoid(r - f)), lambda r, f: -math.log(sigmoid(f - r))),
}


@pytest.mark.parametrize("objective", EXPECTED, ids=lambda o: o.name)
def test_the_formula_of_the_paper(objective):
    critic, generator = EXPECTED[objective]
    total = torch.stack(list(objective.critic(verdict()).values())).sum(0)
    pairs = list(zip(R.flatten().tolist(), F.flatten().tolist(), strict=True))
    assert total.tolist() == pytest.approx([critic(r, f) for r, f in pairs], rel=1e-5)
    assert objective.generator(verdict())["generator"].tolist() == pytest.approx(
        [generator(r, f) for r, f in pairs], rel=1e-5
    )


def test_every_objective_is_tested():
    assert {o.name for o in EXPECTED} | {"relativistic-average"} == set(OBJECTIVES)


def test_relativistic_average_of_the_paper():
    """RaSGAN, eqs. 13 and 14 of arXiv:1807.00734: cross-entropy on logits less the other side's mean."""
    real, fake = (R - F.mean()).sigmoid(), (F - R.mean()).sigmoid()
    critic = relativistic_average.critic(verdict())
    assert sum(part.mean() for part in critic.values()) == pytest.approx(
        float(-real.log().mean() - (1 - fake).log().mean()), rel=1e-5
    )
    generator = relativistic_average.generator(verdict())["generator"].mean()
    assert generator == pytest.approx(float(-fake.log().mean() - (1 - real).log().mean()), rel=1e-5)
    assert relativistic_average.coupled and not relativistic.coupled


def test_label_smoothing_is_a_softer_target():
    soft = one_sided_label_smoothing(non_saturating, 0.1)
    target = torch.full_like(R, 0.9)
    expected = nn.functional.binary_cross_entropy_with_logits(R, target, reduction="none").squeeze(1)
    torch.testing.assert_close(soft.critic(verdict())["real"], expected)
    assert torch.equal(soft.critic(verdict())["fake"], non_saturating.critic(verdict())["fake"])
    square = one_sided_label_smoothing(least_squares, 0.1)  # the target .9, up to a constant
    R_ = R.clone().requires_grad_()
    (slope,) = torch.autograd.grad(square.real(R_).sum(), R_)
    torch.testing.assert_close(slope, R - 0.9)
    for objective in (relativistic, relativistic_average, wasserstein):
        with pytest.raises(UserError, match="no targets to smooth"):
            one_sided_label_smoothing(objective, 0.1)


def gan(**options):
    return GAN(nn.Linear(2, 3), nn.Linear(3, 1), wasserstein, latents={"z": normal(2)}, **options)


def test_clipping_keeps_the_critic_in_its_box():
    game = gan(clip=0.01)
    with torch.no_grad():
        game.players["D"].weight.copy_(torch.tensor([[5.0, -5.0, 0.001]]))
        for turn in game.turns(0):
            turn.after({})
    assert game.players["D"].weight[0].tolist() == pytest.approx([0.01, -0.01, 0.001])
    assert game.players["G"].weight.abs().max() > 0.01


def test_the_critic_sees_through_noise_that_fades():
    game, latent = (
        gan(critic_input=CriticInput(lambda seen: 1 - seen / 100)),
        {"noise_real": torch.ones(2, 3), "noise_fake": FAKE},
    )
    critic, generator = game.turns(75)
    assert {"noise_real", "noise_fake"} <= set(critic.draws) == set(generator.draws)
    v = game.verdict(Round(REAL, None, latent, FAKE))
    assert (v.real.unique().tolist(), v.fake.unique().tolist()) == ([0.25], [1.25])
    game.turns(100)
    assert torch.equal(game.verdict(Round(REAL, None, latent, FAKE)).real, REAL)


def test_patches_are_averaged_per_example():
    x = torch.randn(3, 1, 2, 2)
    parts = least_squares.generator(Verdict(lambda sample: sample, x, x))
    torch.testing.assert_close(parts["generator"], ((x - 1).square() / 2).mean((1, 2, 3)))


class Bowl(nn.Module):
    """D(x) = ½ Σ a x², whose slope is a·x."""

    def forward(self, x):
        return (torch.tensor([1.0, 2.0, 3.0]).to(x) * x.square()).sum(1, keepdim=True) / 2


def test_penalties_on_a_bowl():
    x, y = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    eps, a = torch.rand(4, dtype=torch.float64), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    delta = torch.rand(4, 3, dtype=torch.float64)
    v = Verdict(Bowl(), x, y, {"eps": eps, "delta": delta})
    between, near = y + eps[:, None] * (x - y), x + x.std(1, keepdim=True) / 2 * delta
    torch.testing.assert_close(r1(v), (a * x).square().sum(1) / 2)
    torch.testing.assert_close(r2(v), (a * y).square().sum(1) / 2)
    torch.testing.assert_close(lipschitz(v), ((a * between).norm(dim=1) - 1).square())
    torch.testing.assert_close(dragan(v), ((a * near).norm(dim=1) - 1).square())
    torch.testing.assert_close(drift(v), Bowl()(x).square().flatten())
    assert set(PENALTIES) == {"r1", "r2", "lipschitz", "dragan", "drift"}


def test_a_penalty_can_be_differentiated_again():
    """Its gradient in the critic's weights, against finite differences."""
    torch.manual_seed(0)
    D = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    x, y = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    eps = torch.rand(4, dtype=torch.float64)

    def penalty(weight):
        critic = lambda s: torch.func.functional_call(D, {"0.weight": weight}, s)  # noqa: E731
        v = Verdict(critic, x, y, {"eps": eps})
        return r1(v).sum() + r2(v).sum() + lipschitz(v).sum()

    assert torch.autograd.gradcheck(penalty, D[0].weight.detach().requires_grad_())


def test_the_gradient_penalty_is_finite_where_the_slope_is_zero():
    D = nn.Linear(3, 1)
    nn.init.zeros_(D.weight)
    value = lipschitz(Verdict(D, REAL, FAKE, {"eps": torch.rand(2)})).mean()
    value.backward()
    assert value.item() == pytest.approx(1, rel=1e-4) and torch.isfinite(D.weight.grad).all()


def test_a_slope_brings_its_logits_along():
    calls = []

    def critic(x):
        calls.append(x)
        return CriticOutput(x.sum(1, keepdim=True), {"features": x})

    v = Verdict(critic, REAL, FAKE)
    assert torch.equal(v.slope_real, torch.ones(2, 3)) and v.on_real.tolist() == [[0], [0]]
    assert v.output_real.extras["features"].shape == (2, 3)
    assert len(calls) == 1
    assert v.on_fake.tolist() == [[3], [3]] and len(calls) == 2


def test_terms_share_the_logits_that_penalties_bring():
    """Two looks, whatever a critic learns besides."""
    calls = []
    game = gan(penalties=[r1, r2], critic_terms=[LeCam()])
    game.players["D"].register_forward_hook(lambda *hook: calls.append(hook))
    game.turns(0)[0].loss(Round(REAL, None, {"z": torch.zeros(2, 2)}, FAKE))
    assert len(calls) == 2


def test_logits_are_judged_in_full_precision():
    v = Verdict(lambda x: x.sum(1, keepdim=True).bfloat16(), REAL, FAKE)
    assert v.on_real.dtype == torch.float32


def test_top_k_scales_the_best_fakes_to_the_batch():
    """The mean over 5 fakes is the mean over the best ⌈.5 · 5⌉ = 3."""
    fake = torch.tensor([[0.5], [3.0], [-1.0], [2.0], [0.25]])
    objective = TopK(non_saturating, ScheduledBuffer(lambda seen: 0.5))
    v = Verdict(lambda x: x, torch.zeros(5, 1), fake)
    actual = objective.generator(v)["generator"]
    expected = torch.where(fake > 0.4, nn.functional.softplus(-fake) * 5 / 3, 0.0).squeeze(1)
    torch.testing.assert_close(actual, expected)
    assert objective.coupled and objective.name == "non-saturating, top-k"
    assert objective.critic(v).keys() == {"real", "fake"}
    torch.testing.assert_close(objective.encoder(v)["encoder"], non_saturating.encoder(v)["encoder"])


def test_top_k_ranks_by_the_mean_patch():
    patches = torch.tensor([[3.0, -3.0], [1.0, 1.0], [9.0, -9.1]])
    v = Verdict(lambda x: x, patches, patches)
    actual = TopK(wasserstein, ScheduledBuffer(lambda seen: 1 / 3)).generator(v)["generator"]
    assert actual.tolist() == pytest.approx([0, -3.0, 0])


def test_encoder_losses():
    r = R.flatten().tolist()
    assert minimax.encoder(verdict())["encoder"].tolist() == pytest.approx([-math.log(1 - sigmoid(x)) for x in r])
    assert hinge.encoder(verdict())["encoder"].tolist() == pytest.approx([max(0, 1 + x) for x in r])
    assert relativistic.encoder(verdict()) == relativistic_average.encoder(verdict()) == {}


def test_objectives_of_logit_differences():
    comparing = {name for name, objective in OBJECTIVES.items() if uses_logit_differences(objective)}
    assert comparing == {"wasserstein", "relativistic", "relativistic-average"}


def test_l1_per_example_is_a_mean():
    a, b = torch.tensor([[[1.0, -2.0]], [[0.0, 4.0]]]), torch.tensor([[[3.0, 2.0]], [[1.0, 1.0]]])
    assert l1_per_example(a, b).tolist() == [3.0, 2.0]
    assert per_example(a).tolist() == [-0.5, 2.0] and per_example(torch.tensor([5.0, 6.0])).tolist() == [5.0, 6.0]
