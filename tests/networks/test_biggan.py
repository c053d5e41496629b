"""BigGAN and BigGAN-deep: their mathematics, and their recipes from training to samples."""

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit
from torch import nn
from torch.nn.functional import batch_norm, one_hot
from torch.nn.utils import parametrize

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.losses.auxiliary import orthogonal_regulariser
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.biggan import (
    BigGANCritic,
    BigGANDeepCritic,
    BigGANDeepGenerator,
    BigGANGenerator,
    deep_down,
    deep_up,
)
from sparring.networks.layers.attention import SelfAttention
from sparring.networks.layers.blocks import NORMS, SpectralNorm
from sparring.networks.layers.conditioned import ConditionalBatchNorm
from sparring.networks.resnet import Residual
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

GENERATORS, CRITICS = (BigGANGenerator, BigGANDeepGenerator), (BigGANCritic, BigGANDeepCritic)
SHAPE, CLASSES, NAMES = (1, 8, 8), 3, ("biggan", "biggan-deep")
SLIM = {"batch": "8", "generator.width": "8", "generator.embedding": "6", "critic.width": "8", "z": "10"}


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (28, 28), (30, 45), (8, 31)])
@pytest.mark.parametrize("design", [0, 1])
def test_any_size_is_made_and_judged(design, size):
    shape = (3, *size)
    with torch.no_grad():
        G = GENERATORS[design](shape, 10, 2, 4, attention=16, embedding=3, classes=4)
        x = G(torch.randn(2, 10), torch.tensor([3, 0]))
        assert x.shape == (2, *shape) and x.abs().max() <= 1
        features, logits = CRITICS[design](shape, 2, 4, attention=16).features_and_logits(x)
    assert features.shape == (2, 4 if min(size) > 8 else 2) and logits.shape == (2, 1)


def test_conditional_batch_norm_against_batch_norm_with_gains_of_each_examples_own():
    torch.manual_seed(0)
    layer, x, w = ConditionalBatchNorm(3, 5), 2 + 3 * torch.randn(4, 3, 6, 7), torch.randn(4, 5)
    expected = batch_norm(x, None, None, training=True)
    for i in range(4):
        alone = torch.stack([
            expected[i, c] * (1 + layer.gain.weight[c] @ w[i]) + layer.bias.weight[c] @ w[i] for c in range(3)
        ])  # fmt: skip
        torch.testing.assert_close(layer(x, w)[i], alone)
    torch.testing.assert_close(layer(x, torch.zeros(4, 5)), expected)
    layer.eval()
    torch.testing.assert_close(layer(x, w)[:1], layer(x[:1], w[:1]))  # the others don't matter in a model


def reach(G: BigGANGenerator, z: torch.Tensor) -> list[list[bool]]:
    """For the input of each stage, and last the image: which numbers of z it depends on."""
    seen = []
    hooks = [stage.register_forward_pre_hook(lambda stage, inputs: seen.append(inputs[0])) for stage in G.stages]
    seen.append(G(z))
    for hook in hooks:
        hook.remove()
    return [(torch.autograd.grad(x.square().sum(), z, retain_graph=True)[0] != 0).any(0).tolist() for x in seen]


def test_a_part_of_z_reaches_its_block_alone():
    """11 numbers in four parts of 3, 3, 3, 2: before block k, those of its own part and the later ones do nothing."""
    torch.manual_seed(0)
    z = torch.randn(4, 11, requires_grad=True)
    cut = BigGANGenerator((1, 28, 28), 11, 4, 8).eval()
    assert reach(cut, z) == [[True] * n + [False] * (11 - n) for n in (3, 6, 9, 11)]
    assert cut.stages[0][0].branch[0].gain.in_features == 3 and cut.stages[2][0].branch[0].gain.in_features == 2
    whole = BigGANDeepGenerator((1, 28, 28), 11, 4, 8).eval()
    assert reach(whole, z) == [[True] * 11] * 4
    assert {m.gain.in_features for m in whole.modules() if isinstance(m, ConditionalBatchNorm)} == {11}


@pytest.mark.parametrize("design", GENERATORS)
def test_the_class_acts_through_one_embedding_that_all_share(design):
    torch.manual_seed(0)
    G, z, y = design((1, 9, 9), 6, 4, 8, embedding=5, classes=3).eval(), torch.randn(4, 6), torch.tensor([2, 0, 1, 2])
    assert isinstance(G.embed, nn.Linear) and G.embed.weight.shape == (5, 3) and G.embed.bias is None
    assert torch.equal(G(z, y), G(z, one_hot(y, 3).float()))  # attributes will do too
    assert not torch.equal(G(z, y), G(z, (y + 1) % 3))
    nn.init.zeros_(G.embed.weight)
    assert torch.equal(G(z, y), G(z, (y + 1) % 3))
    assert "embed.weight" not in dict(design((1, 9, 9), 6, 4, 8).named_parameters())


def weights(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize("design", [0, 1])
def test_weights_start_orthogonal_and_every_one_has_spectral_norm_one(design):
    torch.manual_seed(0)
    G = GENERATORS[design]((1, 9, 9), 6, 4, 8, attention=9, embedding=5, classes=3)
    assert not parametrize.is_parametrized(G.embed)
    layers = [*weights(G.first), *weights(G.stages), *weights(G.image), *weights(CRITICS[design]((1, 9, 9), 4, 8))]
    for layer in layers:
        W = layer.parametrizations["weight"].original.flatten(1)
        gram = W @ W.T if len(W) <= W.shape[1] else W.T @ W
        torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-5, rtol=0)
        assert isinstance(layer.parametrizations["weight"][0], SpectralNorm)
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def shortcut_alone(block: Residual) -> Residual:
    """A block whose branch answers 0."""
    last = block.branch[-1]
    assert isinstance(last, nn.Conv2d)
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return block


def test_bottlenecks_pass_on_what_they_neither_drop_nor_add():
    x = torch.randn(2, 8, 5, 4)
    smaller, same = (shortcut_alone(deep_up(8, o, size, nn.BatchNorm2d)) for o, size in ((4, (9, 8)), (8, None)))
    assert torch.equal(smaller(x), nn.Upsample((9, 8))(x[:, :4])) and torch.equal(same(x), x)
    wider, even = (shortcut_alone(deep_down(8, o, NORMS["none"], halved)) for o, halved in ((12, True), (8, False)))
    pooled, added = nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)(x), wider.shortcut[1].more
    assert added.out_channels == 4 and torch.equal(wider(x), torch.cat([pooled, added(pooled)], 1))
    assert torch.equal(even(x), x)
    for block, narrow in ((smaller, 2), (same, 2), (wider, 3), (even, 2)):  # a quarter
        kernels = [(m.in_channels, m.kernel_size[0]) for m in block.branch if isinstance(m, nn.Conv2d)]
        assert kernels == [(8, 1), (narrow, 3), (narrow, 3), (narrow, 1)]


def test_the_deep_ones_have_two_blocks_a_map():
    G, D = BigGANDeepGenerator((1, 28, 28), 5, 8, 16), BigGANDeepCritic((1, 28, 28), 8, 16)
    assert [len(stage) for stage in G.stages] == [2, 2, 2]
    assert [len(stage) for stage in BigGANGenerator((1, 28, 28), 5, 8, 16).stages] == [1, 1, 1]
    assert sum(isinstance(m, Residual) for m in D) == 6 and isinstance(D[0], nn.Conv2d) and D[0].out_channels == 4
    assert sum(isinstance(m, Residual) for m in BigGANCritic((1, 28, 28), 8, 16)) == 4
    seen = []
    for stage in G.stages:
        stage.register_forward_hook(lambda stage, inputs, out: seen.append(tuple(out.shape[1:])))
    G(torch.randn(2, 5))
    assert seen == [(16, 7, 7), (16, 14, 14), (8, 28, 28)]


def test_the_orthogonal_penalty_against_its_equation():
    torch.manual_seed(0)
    convolution, dense = nn.Conv2d(2, 3, 3).double(), nn.Linear(2, 5).double()
    net = nn.Sequential(convolution, dense)
    expected, slopes = torch.zeros((), dtype=torch.float64), []
    for layer in (convolution, dense):
        W = layer.weight.detach().flatten(1)  # a filter a row: W of the paper is its transpose
        off = (W @ W.T) * (1 - torch.eye(len(W)))
        expected += off.square().sum()
        slopes.append((4 * off @ W).view_as(layer.weight))
    found = orthogonal_regulariser(net)(None)
    torch.testing.assert_close(found, expected)
    for slope, expected in zip(torch.autograd.grad(found, [convolution.weight, dense.weight]), slopes, strict=True):
        torch.testing.assert_close(slope, expected)


def test_the_orthogonal_penalty_leaves_lengths_free():
    net = nn.Linear(4, 3).double()
    nn.init.orthogonal_(net.weight)
    with torch.no_grad():
        net.weight *= torch.tensor([[1.0], [5.0], [0.1]])
    assert orthogonal_regulariser(net)(None).item() == pytest.approx(0, abs=1e-10)
    with torch.no_grad():
        net.weight[1] = net.weight[0]  # of length 1 both: ⟨w₀, w₁⟩² and ⟨w₁, w₀⟩²
    assert orthogonal_regulariser(net)(None).item() == pytest.approx(2)


def test_bad_sizes_and_latents():
    for design in (*GENERATORS, *CRITICS):
        with pytest.raises(UserError, match="network for 7×28: use images with sides of 8 pixels"):
            design((1, 7, 28))
    with pytest.raises(UserError, match=r"z is 3: each of 4 layers takes a part of it; use 4 or more"):
        BigGANGenerator((1, 28, 28), 3)
    assert BigGANDeepGenerator((1, 28, 28), 3, 4, 8)(torch.randn(2, 3)).shape == (2, 1, 28, 28)
    with pytest.raises(UserError, match="z is 1: each of 2 layers"):
        build_game(with_flags(RECIPES["biggan"], {"z": "1"}), SHAPE, classes=CLASSES)


@pytest.mark.parametrize("norm", ["spectral", "batch"])
@pytest.mark.parametrize("design", [0, 1])
def test_gradients_reach_everything(design, norm):
    torch.manual_seed(0)
    G = GENERATORS[design]((1, 9, 9), 6, 8, 8, 9, embedding=5, classes=3)
    D = CRITICS[design]((1, 9, 9), 32, 32, norm, 5)
    for layer in (m for net in (G, D) for m in net.modules() if isinstance(m, SelfAttention)):
        nn.init.constant_(layer.gamma, 0.5)
    D(G(torch.randn(6, 6), torch.arange(6) % 3)).square().sum().backward()
    assert not [name for net in (G, D) for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]


def loop_of(name: str, **changes) -> Loop:
    torch.manual_seed(0)
    recipe = changed(with_flags(RECIPES[name], SLIM), **changes)
    return Loop(build_game(recipe, SHAPE, classes=CLASSES), Pictures(SHAPE, CLASSES), loop_settings(recipe))


@pytest.mark.parametrize("name", NAMES)
def test_trained_resumed_to_the_bit_and_asked_by_label(name, tmp_path):
    loop, parts = resumed_to_the_bit(lambda: loop_of(name))
    assert set(parts) == {"critic.real", "critic.fake", "generator.generator", "generator.orthogonal"}
    about = ModelSpec(with_flags(RECIPES[name], SLIM), SHAPE, ("a", "b", "c"), (0.5, 0.25, 0.25))
    model = Model(about, loop.ema.players["G"])
    model.save(tmp_path)
    again = load_model(tmp_path)
    assert torch.equal(again.sample(5, seed=3, label="b"), model.sample(5, seed=3, label="b"))
    raw = [model.forward([z[:5], y[:5]]) for z, y in (model.draw_inputs(3, label=label) for label in ("b", "c"))]
    assert not torch.equal(*raw)


def test_without_classes_too():
    loop = loop_of("biggan", conditioning="")
    assert all(torch.isfinite(part) for part in loop.round().values())
    assert loop.game.players["G"].classes == 0
