"""Warps against bilinear interpolation by hand; order and probability of augmentations."""

import torch

from sparring.augment import Adaptive, Augment
from sparring.augment.moves import MOVES
from sparring.augment.tints import TINTS
from sparring.augment.warp import warp
from sparring.game import ScheduledBuffer


def shift(x: float, y: float) -> torch.Tensor:
    return torch.tensor([[1.0, 0, x], [0, 1, y], [0, 0, 1]], dtype=torch.float64)[None]


X = torch.rand(1, 2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_subpixel_shift_is_bilinear_and_repeats_edges():
    actual = warp(X, shift(0.25, 0))  # to the right
    left = torch.cat([X[..., :1], X[..., :-1]], 3)
    torch.testing.assert_close(actual, 0.75 * X + 0.25 * left)
    actual = warp(X, shift(0, -1.5))  # upwards; row 3 is repeated
    rows = [X[:, :, i] for i in (0, 1, 2, 3, 3, 3)]
    torch.testing.assert_close(actual, torch.stack([(rows[i + 1] + rows[i + 2]) / 2 for i in range(4)], 2))


def test_warp_keeps_half_precision():
    actual = warp(X.half(), shift(1, 0).float())
    assert actual.dtype == torch.float16 and torch.equal(actual[..., 1:], X.half()[..., :-1])


def test_moves_compose_to_one_warp_before_tints():
    augment = Augment(["brighten", "scale", "flip"], ScheduledBuffer(lambda seen: 0.6))
    assert augment.numbers == 6
    torch.manual_seed(0)
    x, u = torch.rand(40, 3, 8, 8), torch.rand(40, 6)
    expected = []
    for image, (take_flip, f, take_scale, s, take_bright, b) in zip(x, u, strict=True):
        one, maps = image[None], torch.eye(3)[None]
        if take_flip < 0.6:
            maps = MOVES["flip"][0](f.view(1, 1), (8, 8)) @ maps
        if take_scale < 0.6:
            maps = MOVES["scale"][0](s.view(1, 1), (8, 8)) @ maps
        one = warp(one, maps)
        expected.append(TINTS["brighten"][0](one, b.view(1, 1)) if take_bright < 0.6 else one)
    torch.testing.assert_close(augment(x, u), torch.cat(expected))


def test_moves_get_height_and_width_of_oblong_images():
    augment = Augment(["translation"], ScheduledBuffer(lambda seen: 1.0))
    x = torch.rand(1, 1, 8, 24)
    actual = augment(x, torch.tensor([[0.0, 0.999, 0.5]]))  # an eighth of 24 to the right
    torch.testing.assert_close(actual[..., 3:], x[..., :-3])
    actual = augment(x, torch.tensor([[0.0, 0.5, 0.999]]))
    torch.testing.assert_close(actual[:, :, 1:], x[:, :, :-1])


def test_without_moves_nothing_is_warped():
    augment = Augment(["brighten"], ScheduledBuffer(lambda seen: 0.0))
    x = torch.rand(2, 1, 3, 3)
    assert torch.equal(augment(x, torch.rand(2, 2)), x) and augment.numbers == 2
    assert augment.draw(5, (1, 3, 3), torch.Generator()).shape == (5, 2)


def test_adaptive_probability_is_bounded_and_constant_at_its_target():
    adaptive = Adaptive(images=20)
    assert (adaptive.target, adaptive.pack, Adaptive().images, adaptive.coupled) == (0.6, 1, 500_000, False)
    even = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0])  # mean .6
    adaptive.after({"sign": even})
    assert adaptive.value.item() == 0
    for _ in range(3):
        adaptive.after({"sign": torch.ones(15)})
    assert adaptive.value.item() == 1
    adaptive.after({"sign": -torch.ones(5)})
    assert adaptive.value.item() == 0.75


def test_adaptive_sign_is_of_the_mean_patch_without_gradient():
    from sparring.game import Verdict

    logits = torch.tensor([[3.0, -1.0], [1.0, -2.0]], requires_grad=True)
    v = Verdict(lambda x: logits, logits, logits)
    actual = Adaptive().notes(v)["sign"]
    assert actual.tolist() == [1, -1] and not actual.requires_grad
