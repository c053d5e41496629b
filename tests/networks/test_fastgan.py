"""FastGAN: excitation, noise, decoders and their term, and its recipe from training to samples."""

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, leaky_relu

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.game import CriticOutput, Round, Verdict
from sparring.losses.decoder import random_window, reconstruction
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.fastgan import (
    DownBlock,
    Excitation,
    FastGANCritic,
    FastGANGenerator,
    MapDecoder,
    Noise,
    decoders,
    gated_conv,
)
from sparring.networks.layers.blocks import NORMS
from sparring.priors import uniform
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE, CLASSES = (1, 8, 8), 3
SLIM = {"batch": "8", "generator.width": "4", "critic.width": "4", "z": "6"}


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (16, 16), (28, 28), (30, 45), (8, 31), (64, 48)])
def test_any_size_is_made_judged_and_decoded(size):
    shape = (3, *size)
    with torch.no_grad():
        x = FastGANGenerator(shape, 5, 2, 8)(torch.randn(2, 5))
        assert x.shape == (2, *shape) and x.abs().max() <= 1
        D = FastGANCritic(shape, 2, 8)
        logits, told = D(x)
        small, large = told["small"], told["large"]
        assert logits.shape == (2, (small.shape[2] - 3) * (small.shape[3] - 3)) and told["seen"] is x
        for name, m in (("small", small), ("large", large)):
            image = decoders(D)[name](m)
            grain = image.shape[2] // m.shape[2]
            assert image.shape == (2, 3, grain * m.shape[2], grain * m.shape[3])
            assert all(side <= now < side + grain for side, now in zip(size, image.shape[2:], strict=True))
        assert torch.isfinite(reconstruction(**decoders(D))(Verdict(D, x, x, {"place": torch.rand(2, 2)}))).all()


def test_256_pixels_are_the_papers():
    with torch.no_grad():
        D = FastGANCritic((3, 256, 256), 1, 4)
        logits, told = D(torch.zeros(1, 3, 256, 256))
        assert logits.shape == (1, 25) and told["large"].shape[2:] == (16, 16) and told["small"].shape[2:] == (8, 8)
        assert D.decoders["small"](told["small"]).shape == (1, 3, 128, 128)
        assert D.decoders["large"](told["large"][..., :8, :8]).shape == (1, 3, 128, 128)
    G = FastGANGenerator((3, 256, 256), 5, 1, 4)
    assert excited(G) == [(4, 64), (8, 128), (16, 256)]


def excited(G: FastGANGenerator) -> list[tuple[int, int]]:
    """The sides of the maps that excite, and of those that are excited."""
    seen = []
    for layer in G.excite:
        layer.register_forward_hook(lambda layer, inputs, out: seen.append(tuple(m.shape[2] for m in inputs)))
    with torch.no_grad():
        G.eval()(torch.randn(1, 5))
    return seen


def test_small_images_are_excited_from_as_far_as_there_is():
    assert excited(FastGANGenerator((1, 28, 28), 5, 2)) == [(4, 28)]
    assert excited(FastGANGenerator((1, 8, 8), 5, 2)) == [(4, 8)]
    assert excited(FastGANGenerator((1, 64, 64), 5, 2)) == [(4, 64)]


def test_blocks_with_noise_alternate_with_plain_ones():
    G = FastGANGenerator((1, 64, 64), 5, 2)
    assert [sum(isinstance(m, Noise) for m in stage) for stage in G.stages] == [2, 0, 2, 0]


def test_excitation_against_its_equation():
    """By hand, channel by channel: pooled to 4×4, W₁, LeakyReLU(.1), W₂, σ, times the large map."""
    torch.manual_seed(0)
    layer, low, high = Excitation(3, 2).double(), torch.randn(2, 3, 8, 8).double(), torch.randn(2, 2, 5, 7).double()
    W1, W2 = layer.F[1].weight, layer.F[3].weight[:, :, 0, 0]
    pooled = low.view(2, 3, 4, 2, 4, 2).mean((3, 5))
    for n in range(2):
        hidden = torch.stack([(W1[o] * pooled[n]).sum() for o in range(2)])
        hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
        for o in range(2):
            factor = 1 / (1 + (-(W2[o] @ hidden)).exp())
            torch.testing.assert_close(layer(low, high)[n, o], factor * high[n, o])


def test_gates_halve_the_channels():
    torch.manual_seed(0)
    conv, norm, glu = gated_conv(3, 2)
    x = torch.randn(2, 3, 4, 4)
    h = norm(conv(x))
    torch.testing.assert_close(glu(h), h[:, :2] * h[:, 2:].sigmoid())


def test_a_block_down_is_the_mean_of_its_two_ways():
    torch.manual_seed(0)
    block, x = DownBlock(3, 4, (5, 6), NORMS["none"]), torch.randn(2, 3, 5, 6)
    (half, one, _, _), (strided, _, _, three, _, _) = block.shortcut, block.branch
    assert half(x).shape[2:] == (3, 3) and strided.kernel_size == (3, 4)
    torch.testing.assert_close(half(x)[:, :, :2], avg_pool2d(x[:, :, :4], 2))
    torch.testing.assert_close(half(x)[:, :, 2], x[:, :, 4].view(2, 3, 3, 2).mean(3))  # an odd side's last row
    ways = leaky_relu(one(half(x)), 0.2), leaky_relu(three(leaky_relu(strided(x), 0.2)), 0.2)
    torch.testing.assert_close(block(x), (ways[0] + ways[1]) / 2)


def test_noise_is_drawn_in_training_and_fixed_in_a_model():
    torch.manual_seed(0)
    G, z = FastGANGenerator(SHAPE, 5, 4), torch.randn(6, 5)
    assert sum(isinstance(m, Noise) for m in G.modules()) == 2
    for layer in (m for m in G.modules() if isinstance(m, Noise)):
        assert layer.weight.item() == 0
        nn.init.constant_(layer.weight, 0.5)
    drawn = [(torch.manual_seed(seed), G(z))[1] for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    G.eval()
    assert torch.equal(G(z), G(z))
    torch.testing.assert_close(G(z)[4:5], G(z[4:5]))  # of its latent alone
    other = FastGANGenerator(SHAPE, 5, 4).eval()
    assert not torch.equal(other(z), G(z))
    other.load_state_dict(G.state_dict())  # the noise is among the weights
    assert torch.equal(other(z), G(z))


def test_noise_is_one_value_a_pixel_for_all_channels():
    torch.manual_seed(0)
    layer, x = Noise((3, 2)), torch.randn(4, 5, 3, 2)
    nn.init.constant_(layer.weight, 2.0)
    added = layer(x) - x
    torch.testing.assert_close(added, added[:, :1].expand_as(added))
    assert not torch.equal(added[0], added[1])
    torch.testing.assert_close(layer.eval()(x) - x, 2 * layer.fixed.expand_as(x))


def test_quarters_reach_every_corner():
    x = torch.arange(30.0).view(1, 1, 5, 6).repeat(3, 2, 1, 1)
    last = 1 - 2**-24
    windows = random_window(x, torch.tensor([[0.0, 0.0], [last, last], [0.0, 0.5]]))
    assert windows.shape == (3, 2, 3, 3)
    assert torch.equal(windows[0], x[0, :, :3, :3]) and torch.equal(windows[1], x[1, :, 2:, 3:])
    assert torch.equal(windows[2], x[2, :, :3, 2:5])
    drawn = uniform(2)(10_000, (), torch.Generator().manual_seed(0))
    starts = random_window(torch.arange(5.0).view(1, 1, 5, 1).expand(10_000, 1, 5, 1), drawn)[:, 0, 0, 0]
    assert (starts.long().bincount() / 10_000).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_quarter_of_the_map_shows_the_same_as_that_of_the_image():
    """With grains of 4 pixels: of an image of squares, the window of squares; at the same places."""
    torch.manual_seed(0)
    m, place = torch.randn(8, 2, 5, 6), torch.rand(8, 2)
    image = m.repeat_interleave(4, 2).repeat_interleave(4, 3)
    expected = random_window(m, place).repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(random_window(image, place, unit=4), expected)


def test_the_term_against_its_equation():
    """Decoders that repeat pixels twice, and answer .25 too much."""
    torch.manual_seed(0)
    x, place = torch.rand(3, 1, 16, 16) - 0.5, torch.tensor([[0.0, 0.0], [0.9, 0.0], [0.5, 0.9]])
    small, large = adaptive_avg_pool2d(x, 4), adaptive_avg_pool2d(x, 8)

    def twice(m):
        return m.repeat_interleave(2, 2).repeat_interleave(2, 3) + 0.25

    def critic(sample):
        return CriticOutput(sample.mean((1, 2, 3))[:, None], {"seen": x, "small": small, "large": large})

    term = reconstruction(twice, twice)
    assert term.name == "reconstruction" and set(term.draws) == {"place"}
    found = term(Verdict(critic, x, x, {"place": place}))
    starts = [(0, 0), (4, 0), (2, 4)]
    for i, (top, left) in enumerate(starts):
        whole = (twice(small)[i] - adaptive_avg_pool2d(x[i], 8)).abs().mean()
        window, shown = large[i : i + 1, :, top : top + 4, left : left + 4], x[i, :, 2 * top :, 2 * left :]
        detail = (twice(window)[0] - shown[:, :8, :8]).abs().mean()
        torch.testing.assert_close(found[i], whole + detail)


def slim(**changes):
    return changed(with_flags(RECIPES["fastgan"], SLIM), **changes)


def test_decoding_is_the_critics_and_of_real_images_alone():
    torch.manual_seed(0)
    game = build_game(slim(augment=()), (1, 16, 16))
    G, D = game.players["G"], game.players["D"]
    z, x, place = torch.randn(4, 6), torch.rand(4, 1, 16, 16), torch.rand(4, 2)
    critic, generator = game.turns(0)

    def part(real, fake):
        return critic.loss(Round(real, None, {"z": z, "place": place}, fake))["reconstruction"]

    fake = G(z)
    found = part(x, fake)
    assert found.shape == (4,)
    assert torch.equal(part(x, -fake), found) and not torch.equal(part(-x, fake), found)
    slopes = torch.autograd.grad(found.sum(), [*G.parameters(), *D.parameters()], allow_unused=True)
    learnt = dict(zip([*("G." + n for n, _ in G.named_parameters()), *dict(D.named_parameters())], slopes, strict=True))
    reached = {name for name, slope in learnt.items() if slope is not None and slope.any()}
    assert {name.split(".")[0] for name in reached} == {"stem", "stages", "decoders"}
    assert {name for name in learnt if name.startswith(("stem", "stages", "decoders"))} == reached
    assert "reconstruction" not in generator.loss(Round(x, None, {"z": z}, fake))


def test_a_decoder_learns_to_decode():
    """30 steps of Adam on one batch bring the term below what the mean image would give, for whole and quarter."""
    torch.manual_seed(0)
    x = torch.rand(8, 1, 1, 1) * torch.linspace(-1, 1, 16).expand(8, 1, 16, 16)
    D = FastGANCritic((1, 16, 16), 8, 16)
    term, adam = reconstruction(**decoders(D)), torch.optim.Adam(D.parameters(), 3e-3)
    for i in range(30):
        adam.zero_grad()
        place = uniform(2)(8, (), torch.Generator().manual_seed(i))
        loss = term(Verdict(D, x, x, {"place": place})).mean()
        loss.backward()
        adam.step()
    assert loss.item() < 2 * (x - x.mean(0)).abs().mean().item()


@pytest.mark.parametrize("changes", [
    *({"conditioning": way} for way in ("input", "projection", "auxiliary")),
    {"pack": 2}, {"penalties": ("r1",)}, {"methods": ()}, {"methods": ("reconstruction", "feature-matching", "lecam")},
])  # fmt: skip
@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_it_goes_with_the_other_methods(changes, norm):
    parts = loop_of(changes, norm).round()
    assert all(torch.isfinite(part) for part in parts.values())
    assert ("critic.reconstruction" in parts) == (changes.get("methods") != ())


def test_a_critic_without_decoders_is_refused():
    with pytest.raises(UserError, match="no decoders: the method 'reconstruction' goes with fastgan-critic alone"):
        build_game(RECIPES["dcgan"].with_options(methods=("reconstruction",)), SHAPE)
    for network in (FastGANGenerator, FastGANCritic):
        with pytest.raises(UserError, match="can't build a convolutional network for 28×7"):
            network((1, 28, 7))


def test_decoders_double_and_halve():
    with torch.no_grad():
        assert MapDecoder(5, 3, 4)(torch.randn(2, 5, 3, 4)).shape == (2, 3, 48, 64)
    assert [m.in_channels for m in MapDecoder(12, 3, 3) if isinstance(m, nn.Conv2d)] == [12, 6, 3, 1]


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_reach_everything(norm):
    torch.manual_seed(0)
    G, D = FastGANGenerator((1, 9, 9), 5, 8, 16), FastGANCritic((1, 9, 9), 8, 16, norm)
    x = G(torch.randn(6, 5))
    verdict = Verdict(D, x, x, {"place": torch.rand(6, 2)})
    (verdict.on_real.square().sum() + reconstruction(**decoders(D))(verdict).sum()).backward()
    assert not [name for net in (G, D) for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]


def loop_of(changes: dict, norm: str = "batch") -> Loop:
    torch.manual_seed(0)
    recipe = slim(**changes)
    recipe = with_flags(recipe, {"critic.norm": norm})
    return Loop(build_game(recipe, SHAPE, classes=CLASSES), Pictures(SHAPE, CLASSES), loop_settings(recipe))


def test_trained_resumed_to_the_bit_and_read_again(tmp_path):
    loop, parts = resumed_to_the_bit(lambda: loop_of({}))
    assert set(parts) == {"critic.real", "critic.fake", "critic.reconstruction", "generator.generator"}
    model = Model(ModelSpec(slim(), SHAPE), loop.ema.players["G"])
    model.save(tmp_path)
    assert torch.equal(load_model(tmp_path).sample(5, seed=3), model.sample(5, seed=3))
