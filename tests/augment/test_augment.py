"""What a critic sees in place of examples, against closed forms."""

import pytest
import torch
from torch import nn

from sparring.augment import Adaptive, Augment, expand_groups
from sparring.augment.moves import MOVES
from sparring.augment.tints import TINTS
from sparring.augment.warp import warp
from sparring.build.game import build_game
from sparring.errors import UserError
from sparring.game import Round, ScheduledBuffer, Verdict
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.losses.consistency import shift
from sparring.losses.objectives import non_saturating
from sparring.losses.penalties import r1
from sparring.priors import normal
from sparring.recipes import RECIPES

X = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def moved(name: str, *u: float) -> torch.Tensor:
    move, numbers = MOVES[name]
    assert len(u) == numbers
    return warp(X, move(torch.tensor([u] * len(X)), (8, 8)))


def tinted(name: str, *u: float) -> torch.Tensor:
    return TINTS[name][0](X, torch.tensor([u] * len(X)))


def test_whole_moves_are_those_of_pixels():
    torch.testing.assert_close(moved("flip", 0.9), X.flip(3))
    torch.testing.assert_close(moved("flip", 0.1), X)
    torch.testing.assert_close(moved("quarter", 0.3), X.rot90(-1, (2, 3)))  # the y axis points down
    torch.testing.assert_close(moved("quarter", 0.6), X.rot90(2, (2, 3)))
    right = moved("translation", 0.999, 0.5)  # (x, y), an eighth of 8 pixels
    torch.testing.assert_close(right, shift(X, torch.tensor([[0.0, 1 / 8]] * 5)))  # a mirrored edge of 1 repeats it


@pytest.mark.parametrize("name", [name for name in MOVES if name not in ("flip", "quarter")])
def test_the_middle_of_a_move_moves_nothing(name):
    torch.testing.assert_close(moved(name, *[0.5] * MOVES[name][1]), X, atol=1e-5, rtol=0)


def test_moves_of_oblong_images_keep_their_proportions():
    """A square drawn in an oblong image is a square when it was turned by a quarter."""
    x = torch.zeros(1, 1, 8, 16)
    x[..., 2:4, 9:11] = 1
    turned = warp(x, MOVES["quarter"][0](torch.tensor([[0.3]]), (8, 16)))
    where = (turned[0, 0] > 0.5).nonzero()
    assert turned.sum().item() == pytest.approx(4, abs=1e-4)
    assert where.min(0).values.tolist() == [5, 8] and where.max(0).values.tolist() == [6, 9]


def test_a_warp_is_differentiable_twice():
    x = torch.rand(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    maps = MOVES["squeeze"][0](torch.tensor([[0.9, 0.3], [0.2, 0.8]], dtype=torch.float64), (5, 6))
    assert torch.autograd.gradcheck(lambda x: warp(x, maps), x)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, maps).square().sum(), x)


def test_colours_keep_what_they_should():
    grey = X.mean(1, keepdim=True)
    torch.testing.assert_close(tinted("brighten", 0.75), X + 0.25)
    torch.testing.assert_close(tinted("saturate", 0.0), grey.expand_as(X))
    torch.testing.assert_close(tinted("contrast", 0.5), X)
    torch.testing.assert_close(tinted("gain", 0.5), X)
    torch.testing.assert_close(tinted("luma", 0.1), X - 2 * grey)
    turned = tinted("hue", 5 / 6)  # by a third of a circle: channels change places
    torch.testing.assert_close(turned, X[:, [2, 0, 1]], atol=1e-5, rtol=0)
    wide = tinted("saturation", torch.special.ndtr(torch.tensor(1.0)).item())  # 2¹
    torch.testing.assert_close(wide, grey + 2 * (X - grey), atol=1e-5, rtol=1e-5)
    assert torch.equal(TINTS["hue"][0](X[:, :1], torch.rand(5, 1)), X[:, :1])


def test_a_quarter_of_an_image_is_cut_out():
    x = tinted("cutout", 0.5, 0.5)
    assert (x[:, :, 2:6, 2:6] == 0).all() and torch.equal(x[:, :, :2], X[:, :, :2])
    corner = tinted("cutout", 0.0, 0.0)
    assert (corner[:, :, :2, :2] == 0).all() and torch.equal(corner[:, :, 2:], X[:, :, 2:])


def test_each_example_is_changed_with_probability_p():
    g = torch.Generator().manual_seed(1)
    augment = Augment(["brighten"], ScheduledBuffer(lambda seen: 0.3))
    x = torch.zeros(20_000, 1, 2, 2)
    changed = (augment(x, augment.draw(len(x), (1, 2, 2), g)) != 0).flatten(1).all(1)
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.02)
    never = Augment(["ada", "diffaugment"], ScheduledBuffer(lambda seen: 0.0))
    torch.testing.assert_close(never(X, never.draw(5, (3, 8, 8), g)), X, atol=1e-5, rtol=0)
    always = Augment(["ada", "diffaugment"], ScheduledBuffer(lambda seen: 1.0))
    u = always.draw(5, (3, 8, 8), g)
    alone = torch.cat([always(X[i : i + 1], u[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(always(X, u), alone)  # an example's own numbers decide
    assert not torch.allclose(always(X, u), X, atol=0.1)


def test_slopes_are_those_of_the_examples_themselves():
    """Of a critic w·x before 2x: 2w; so R1 is ½‖2w‖², not ½‖w‖²."""
    w = torch.randn(3, 8, 8)
    views = {"real": lambda x: 2 * x}
    verdict = Verdict(lambda x: (x * w).flatten(1).sum(1, keepdim=True), X, X, transforms=views)
    torch.testing.assert_close(r1(verdict), (2 * w).square().sum().expand(5) / 2)
    torch.testing.assert_close(verdict.on_real, 2 * verdict.on_fake)


def test_both_sides_are_augmented_and_by_numbers_of_their_own():
    seen = []

    class Seeing(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x.flatten(1).sum(1, keepdim=True)

    for pack in (1, 2):
        game = GAN(
            nn.Identity(), Seeing(), non_saturating, latents={"z": normal(3)},
            critic_input=CriticInput(augment=Augment(["brighten"], ScheduledBuffer(lambda seen: 1.0)), pack=pack),
        )  # fmt: skip
        g = torch.Generator().manual_seed(2)
        latent = {name: draw(4, (3, 8, 8), g) for name, draw in game.turns(0)[0].draws.items()}
        verdict = game.verdict(Round(X[:4], None, latent, X[:4]))
        assert verdict.on_real.shape == verdict.on_fake.shape == (4 // pack, 1)
        for x, side in zip(seen[-2:], ("real", "fake"), strict=True):
            by = x.reshape(4, 3, 8, 8) - X[:4]
            expected = latent[f"augment_{side}"][:, 1] - 0.5
            torch.testing.assert_close(by, expected.view(4, 1, 1, 1).expand_as(by), atol=1e-6, rtol=1e-5)


def test_p_goes_up_while_the_critic_is_too_sure():
    adaptive = Adaptive(target=0.6, images=100)
    sure, unsure = torch.ones(10), torch.tensor([1.0, -1.0] * 5)
    for expected, signs in ((0.1, sure), (0.2, sure), (0.1, unsure), (0.0, unsure), (0.0, unsure)):
        adaptive.after({"sign": signs})
        assert adaptive.value.item() == pytest.approx(expected)
    in_packs = Adaptive(target=0.6, images=100, pack=5)
    in_packs.after({"sign": torch.ones(2)})
    assert in_packs.value.item() == pytest.approx(0.1)
    verdict = Verdict(lambda x: x.flatten(1).sum(1, keepdim=True), X, X)
    assert torch.equal(adaptive(verdict), X.flatten(1).sum(1).sign())


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"augment": ("ciontrast",)}, "did you mean 'contrast'"),
        ({"augment": ("ada",), "augment_p": 1.5}, "augment-p is 1.5: it must be 0 to 1"),
        ({"augment": ("ada",), "augment_target": 1.0}, "below 1"),
        ({"augment": ("ada",), "augment_target": 0.6, "objective": "relativistic"}, "use a schedule, --augment-p"),
    ],
)
def test_what_can_not_be_is_one_line(changes, line):
    recipe = RECIPES["dcgan"]
    with pytest.raises(UserError, match=line) as raised:
        build_game(recipe.with_options(**changes), (1, 16, 16))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "shape", "line"),
    [("bigan", (1, 16, 16), "has no augment"), ("points", (2,), "only images are augmented")],
)
def test_games_and_modalities_that_are_not_augmented(name, shape, line):
    with pytest.raises(UserError, match=line):
        build_game(RECIPES[name].with_options(augment=("ada",)), shape)


def test_groups_stand_for_their_names():
    assert expand_groups(["diffaugment", "cutout", "flip"]) == [
        "translation", "brighten", "saturate", "contrast", "cutout", "flip",
    ]  # fmt: skip
