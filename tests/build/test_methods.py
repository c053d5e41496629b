"""What papers add to the two-player game: every method and option with one base recipe, and their mathematics."""

from dataclasses import replace

import pytest
import torch
from playing import Pictures, changed, narrow, narrow_loop, resumed_to_the_bit
from torch import nn

from sparring.build.game import build_game
from sparring.build.overrides import loss_names
from sparring.errors import UserError
from sparring.game import CriticOutput, Round, ScheduledBuffer, Verdict
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.games.shared.methods import METHODS
from sparring.games.unrolled import UnrolledGAN
from sparring.losses.auxiliary import category_loss, code_loss, contrastive, rotate
from sparring.losses.consistency import affine_jitter, mutual_information, shift, shift_scale
from sparring.losses.objectives import TopK, non_saturating, wasserstein
from sparring.losses.running import HistoricalAverage, LeCam
from sparring.networks.layers.heads import EmbeddingHead, MinibatchDiscrimination, MinibatchStddev
from sparring.priors import latent_prior, normal
from sparring.recipes import RECIPES
from sparring.schedules import Linear
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE, CLASSES = (1, 8, 8), 3
BASE = replace(
    RECIPES["dcgan"], z=6, batch=12,
    generator=replace(RECIPES["dcgan"].generator, numbers={"width": 8}),
    critic=replace(RECIPES["dcgan"].critic, numbers={"width": 8, "norm": "none"}),
)  # fmt: skip
OF_NETWORKS = ("own", "reconstruction", "asked", "likelihood")
"""Those that want a network made for them: a critic, or a generator of tables."""
SINGLE = {name: method for name, method in METHODS.items() if "gan" in method.games and name not in OF_NETWORKS}
CODING = ("codes", "invariance", "steady")
CODED = {"methods": ("codes",), "categories": 4, "codes": 2}
VARIANTS = {
    **{name: {"conditioning": name} for name, method in SINGLE.items() if method.conditional},
    **{name: {"methods": (name,)} for name, method in SINGLE.items() if not method.conditional and name not in CODING},
    "codes": CODED,
    "invariance": CODED | {"methods": ("codes", "invariance")},
    "steady": CODED | {"methods": ("codes", "steady")},
    "pack": {"pack": 3},
    "pack by class, smoothed": {"pack": 2, "conditioning": "input", "penalties": ("lipschitz", "dragan")},
    "unroll": {"unroll": 2},
    "unroll by class": {"unroll": 2, "conditioning": "projection"},
    "unroll, told the class": {"unroll": 2, "conditioning": "auxiliary"},
    "top-k": {"top_k": Linear(1.0, 0.5, 48)},
    "several": {
        "conditioning": "projection",
        "methods": ("rotation", "lecam", "improved-consistency", "minibatch-stddev", "feature-matching"),
        "penalties": ("r1",),
        "noise": 0.1,
    },
    "augmented": {"augment": ("diffaugment",), "penalties": ("r1", "r2"), "augment_p": Linear(0.0, 1.0, 48)},
    "adaptive, in packs": {"augment": ("ada",), "augment_target": 0.6, "pack": 2, "methods": ("consistency",)},
    "packs of several": {"pack": 2, "methods": ("lecam", "improved-consistency", "historical-averaging")},
}


def loop_of(changes: dict) -> Loop:
    torch.manual_seed(0)
    recipe = changed(BASE, **changes)
    return Loop(build_game(recipe, SHAPE, classes=CLASSES), Pictures(SHAPE, CLASSES, n=36), loop_settings(recipe))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_method_trains_and_resumes_to_the_bit(variant):
    _, parts = resumed_to_the_bit(lambda: loop_of(VARIANTS[variant]))
    assert {name.split(".")[1] for name in parts} - {"r_t"} <= loss_names()  # which can be weighed; r_t is only told


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in CODING])
def test_a_method_changes_what_is_learnt(name):
    """Against the same game without it, or, for ways to meet the class, with another."""
    loop, plain = (loop_of(changes) for changes in (VARIANTS[name], {"conditioning": ""}))
    for _ in range(3):
        loop.round()
        plain.round()
    same = [torch.equal(a, b) for a, b in zip(loop.learners["G"], plain.learners["G"], strict=True)]
    assert not all(same)


def test_bad_names_and_numbers():
    for changes, why in (
        ({"methods": ("lecan",)}, r"no method 'lecan' \(did you mean 'lecam'\?\)"),
        ({"methods": ("projection",)}, "no method 'projection'"),
        ({"conditioning": "lecam"}, "no conditioning 'lecam'"),
        ({"objective": "hing"}, r"no objective 'hing' \(did you mean 'hinge'\?\)"),
        ({"penalties": ("r3",)}, "no penalty 'r3'"),
        ({"codes": 2}, "go together"),
        ({"methods": ("invariance",)}, "'invariance' goes with 'codes'"),
        ({"pack": 5}, "groups of 5, but a micro-batch holds 12: choose a batch that is a multiple of 5"),
        ({"pack": 2, "conditioning": "auxiliary"}, "can't predict the class or the codes of a pack"),
        ({"pack": 0}, "pack is 0: it must be 1 or more"),
        ({"critic_steps": 0}, "critic-steps is 0: it must be 1 or more"),
        ({"penalty_every": 0}, "penalty-every is 0: it must be 1 or more"),
        ({"unroll": -1}, "unroll is -1: it must be 0 or more"),
        ({"smoothing": 3.0}, "smoothing is 3.0: it must be 0 to 1"),
        ({"noise": Linear(0.1, -0.1, 48)}, "noise is 0.1 to -0.1 over 48 images .* it must be 0 or more"),
        ({"top_k": 0.0}, "top-k is 0"),
        ({"top_k": Linear(0.0, 1.0, 48)}, "top-k is 0 to 1 over 48 images"),
    ):
        with pytest.raises(UserError, match=why):
            loop_of(changes)


@pytest.mark.parametrize(
    ("recipe", "method", "why"),
    [
        ("points", "consistency", "the method 'consistency' needs images: leave it out"),
        ("points", "improved-consistency", "the method 'consistency' needs images"),
        ("points", "asked", "the method 'asked' needs rows of a table: leave it out"),
        ("dcgan", "asked", "'asked' needs rows of a table"),
        ("cgan", "asked", "'asked' needs rows of a table"),
    ],
)
def test_what_is_not_of_this_medium(recipe, method, why):
    plain = changed(RECIPES[recipe], methods=(method,), batch=8)
    shape = (2,) if recipe == "points" else (1, 8, 8)
    loop = Loop(
        build_game(plain, shape, classes=3), Pictures(shape, classes=3 * plain.conditional), loop_settings(plain)
    )
    with pytest.raises(UserError, match=why):
        loop.round()


def test_shifts_move_pixels_and_repeat_edges():
    x = torch.arange(16.0).view(1, 1, 4, 4).repeat(2, 1, 1, 1)
    moved = shift(x, torch.tensor([[0.25, 0.0], [0.0, -0.5]]))
    assert moved[0, 0, :, 0].tolist() == [0, 0, 4, 8]
    assert moved[1, 0, 0].tolist() == [2, 3, 3, 3]


def test_a_change_of_nothing_changes_nothing():
    x = torch.rand(2, 1, 6, 6)
    torch.testing.assert_close(affine_jitter(x, torch.full((2, 5), 0.5)), x)
    torch.testing.assert_close(shift_scale(x, torch.full((2, 3), 0.5)), x)
    assert not torch.allclose(shift_scale(x, torch.tensor([[0.9, 0.5, 0.5]] * 2)), x)
    assert not torch.allclose(affine_jitter(x, torch.full((2, 5), 0.9)), x)


def test_mutual_information_against_its_closed_forms():
    sure = torch.eye(4).repeat(3, 1)
    torch.testing.assert_close(mutual_information(sure, sure), torch.tensor(4.0).log())
    torch.testing.assert_close(mutual_information(sure, torch.full((12, 4), 0.25)), torch.tensor(0.0))
    torch.testing.assert_close(mutual_information(sure[:1], sure[:1]), torch.tensor(0.0), atol=1e-5, rtol=0)
    # Two categories that agree with probability .9: ln 2 − H(.9).
    told = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    expected = 0.9 * torch.tensor(1.8).log() + 0.1 * torch.tensor(0.2).log()
    torch.testing.assert_close(mutual_information(told, torch.eye(2)), expected)


def test_rotations_turn_each_its_own_way():
    x = torch.rand(4, 2, 3, 3)
    for i, image in enumerate(rotate(x, torch.arange(4))):
        assert torch.equal(image, torch.rot90(x[i], i, (1, 2)))
    with pytest.raises(UserError, match="square"):
        rotate(torch.rand(1, 1, 3, 4), torch.zeros(1).long())


def test_minibatch_discrimination_against_its_equation():
    layer, f = MinibatchDiscrimination(5, kernels=3, dims=2), torch.randn(4, 5)
    M = (f @ layer.T.weight.T).view(4, 3, 2)
    o = torch.zeros(4, 3)
    for i in range(4):
        for j in set(range(4)) - {i}:
            o[i] += (-(M[i] - M[j]).abs().sum(1)).exp()
    torch.testing.assert_close(layer(f), layer.weigh(o))
    same = MinibatchStddev()(torch.ones(4, 5)) - MinibatchStddev()(torch.ones(4, 5))
    assert same.shape == (4, 1)


def test_the_contrast_against_its_equation():
    torch.manual_seed(0)
    told = EmbeddingHead(5, 3, 4)(torch.randn(6, 5))
    y = torch.tensor([0, 1, 2, 0, 1, 1])
    e, cos = told["embedding"], told["class"]
    torch.testing.assert_close(e.norm(dim=1), torch.ones(6))
    m, tau = 0.98, 0.5
    for i, value in enumerate(contrastive(CriticOutput(torch.zeros(6, 1), told), y)):
        near = (min(cos[i, y[i]] - m, torch.tensor(0.0)) / tau).exp()
        far = sum(((e[i] @ e[j] - (1 - m)).clamp(min=0) / tau).exp() for j in range(6) if y[j] != y[i])
        torch.testing.assert_close(value, -(near / (near + far)).log())


def test_lecam_follows_the_means_of_the_other_side():
    lecam, x = LeCam(decay=0.5), torch.tensor([[1.0], [3.0]])
    verdict = Verdict(lambda sample: sample, x, -x)
    torch.testing.assert_close(lecam(verdict), torch.tensor([2.0, 18.0]))
    lecam.after(lecam.notes(verdict))
    assert lecam.alpha.tolist() == [1.0, -1.0]
    torch.testing.assert_close(lecam(verdict), torch.tensor([(1 + 1) ** 2 + (-1 - 1) ** 2, 16.0 + 16.0]))


def test_the_historical_average_is_the_mean_of_all_weights():
    layer = nn.Linear(1, 1, bias=False)
    seen = []
    history = HistoricalAverage(layer)
    for value in (2.0, 5.0, -1.0):
        nn.init.constant_(layer.weight, value)
        if not seen:
            history = HistoricalAverage(layer)
        else:
            history.after({})
        seen.append(value)
        mean = sum(seen) / len(seen)
        assert history(None).item() == pytest.approx((value - mean) ** 2, abs=1e-5)


def test_top_k_takes_the_best_fakes_alone():
    share = ScheduledBuffer(lambda seen: 0.5)
    fake = torch.tensor([[0.0], [3.0], [-1.0], [2.0]])
    parts = TopK(wasserstein, share).generator(Verdict(lambda x: x, fake, fake))
    assert parts["generator"].mean().item() == pytest.approx(-2.5)
    share.schedule = lambda seen: 1.0
    share.update(0)
    assert TopK(wasserstein, share).generator(Verdict(lambda x: x, fake, fake))["generator"].mean().item() == -1.0


def test_packs_stand_behind_each_other_in_the_channels():
    seen = []

    class D(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x.flatten(1).mean(1, keepdim=True)

    game = GAN(nn.Linear(3, 4), D(), wasserstein, latents={"z": normal(3)}, critic_input=CriticInput(pack=2))
    x = torch.arange(16.0).view(4, 4)
    assert game.verdict(Round(x, None, {"z": torch.zeros(4, 3)}, x)).on_real.shape == (2, 1)
    assert torch.equal(seen[0], x.view(2, 8))


def test_unrolling_looks_ahead_by_plain_gradient_steps():
    """One step, by hand: θ' = θ − η ∂L/∂θ, and the generator's gradient goes through it."""
    torch.manual_seed(0)
    G, D = nn.Linear(2, 3).double(), nn.Linear(3, 1).double()
    game = UnrolledGAN(G, D, non_saturating, latents={"z": normal(2)}, steps=1, rate=0.3)
    x, z = torch.randn(5, 3).double(), torch.randn(5, 2).double()

    def loss(w: torch.Tensor) -> torch.Tensor:
        fake = z @ w.T + G.bias
        theta = (D.weight.detach().requires_grad_(), D.bias.detach().requires_grad_())

        def logits(sample, theta):
            return sample @ theta[0].T + theta[1]

        inner = nn.functional.softplus(-logits(x, theta)).mean() + nn.functional.softplus(logits(fake, theta)).mean()
        slopes = torch.autograd.grad(inner, theta, create_graph=True)
        ahead = [p - 0.3 * s for p, s in zip(theta, slopes, strict=True)]
        return nn.functional.softplus(-logits(fake, ahead)).mean()

    expected = torch.autograd.grad(loss(G.weight), G.weight)[0]
    parts = game.turns(0)[-1].loss(Round(x, None, {"z": z}, G(z)))
    torch.testing.assert_close(torch.autograd.grad(parts["generator"].mean(), G.weight)[0], expected)


@pytest.mark.parametrize("name", ["wgan", "wgan-gp"])
def test_after_five_critic_steps_the_generator_draws_its_own_z(name):
    loop = narrow_loop(narrow(name))
    loop.round()
    assert loop.stream.opened == 5 + 1


def test_an_unrolled_batch_is_not_cut():
    recipe = changed(BASE, unroll=1)
    with pytest.raises(UserError, match="couples the whole batch"):
        Loop(build_game(recipe, SHAPE), Pictures(SHAPE), loop_settings(recipe, micro_batches=2))


def test_what_is_frozen_takes_no_step_ahead():
    loop, seen = loop_of({"unroll": 1}), []
    D = loop.game.players["D"]
    assert isinstance(D, nn.Sequential)
    D[0].requires_grad_(False)
    for layer in (D[0], D[-2]):
        layer.register_forward_hook(lambda layer, inputs, output: seen.append(layer.weight.detach().clone()))
    loop = Loop(loop.game, Pictures(SHAPE), loop.settings)
    loop.round()
    before, after = seen[-4:-2], seen[-2:]  # on fakes, at θ and a step ahead
    assert torch.equal(before[0], after[0]) and not torch.equal(before[1], after[1])


def test_codes_stand_behind_the_latent_and_are_told():
    g = torch.Generator().manual_seed(0)
    z = latent_prior(3, 4, 2)(1000, (), g)
    assert z.shape == (1000, 9) and (z[:, 3:7].sum(1) == 1).all() and z[:, 7:].abs().max() <= 1
    assert z[:, 3:7].mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.05)
    said = CriticOutput(torch.zeros(1000, 1), {"category": 50 * z[:, 3:7], "code": z[:, 7:] + 1})
    verdict = Verdict(lambda sample: said, z, z, {"z": z})
    assert category_loss(3, 4)(verdict).max() < 1e-6
    torch.testing.assert_close(code_loss(7)(verdict), torch.ones(1000))
