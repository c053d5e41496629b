"""StyleGAN2: styles, truncation, path lengths, against their equations; and its game."""

import math

import pytest
import torch
from playing import Pictures, changed, resumed_to_the_bit
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.game import Verdict
from sparring.losses.running import PathLength
from sparring.models.load import load_model
from sparring.models.model import Model, ModelSpec
from sparring.networks.layers.modulated import StyledLayer
from sparring.networks.stylegan2 import DECAY, StyleGAN2Critic, StyleGAN2Generator
from sparring.recipes import RECIPES, Recipe
from sparring.training.loop.loop import Loop
from sparring.training.loop.optim import correction
from sparring.training.loop.settings import loop_settings

SHAPE = (1, 8, 8)
SMALL = {
    "batch": "8", "z": "6", "generator.w": "5", "generator.width": "4", "generator.mapping": "2", "critic.width": "4",
    "critic.mapping": "1", "penalty-every": "3", "generator-penalty-every": "2",
}  # fmt: skip


def small(**changes) -> Recipe:
    return changed(with_flags(RECIPES["stylegan2"], SMALL), **changes)


def generator(shape=SHAPE, noisy: bool = False, **numbers) -> StyleGAN2Generator:
    torch.manual_seed(0)
    G = StyleGAN2Generator(shape, **({"z": 6, "w": 5, "width": 4, "mapping": 2} | numbers))
    for layer in (m for m in G.modules() if noisy and isinstance(m, StyledLayer)):
        nn.init.constant_(layer.strength, 0.5)
    return G


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


GIVEN = {"nothing": None, "classes": torch.arange(24) % 3, "attributes": randn(24, 2)}


def loop_of(recipe: Recipe, given: Tensor | None = None, **machine) -> Loop:
    torch.manual_seed(0)
    width = 0 if given is None else given.shape[1] if given.is_floating_point() else int(given.max()) + 1
    kind = "attributes" if given is not None and given.is_floating_point() else "classes"
    return Loop(
        build_game(recipe, SHAPE, **{kind: width}), Pictures(SHAPE, given=given), loop_settings(recipe, **machine)
    )


def played(loop: Loop, rounds: int) -> Loop:
    for _ in range(rounds):
        loop.round()
    return loop


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (28, 28), (48, 64)])
def test_images_of_every_size_are_made_and_judged(size):
    shape = (3, *size)
    G, D = generator(shape, widest=8), StyleGAN2Critic(shape, 4, 8)
    with torch.no_grad():
        x = G(randn(3, 6))
        features, logits = D.features_and_logits(x, torch.zeros(3))  # what is given, it does not look at
    maps = len(G.stages)
    assert x.shape == (3, *shape) and logits.shape == (3, 1) and G.depth == 2 * maps
    assert features.shape == (3, min(8, 4 << (maps - 1)))
    torch.testing.assert_close(D[-1](features), logits)


def test_gradients_reach_everything():
    G, D = generator(noisy=True, classes=3), StyleGAN2Critic(SHAPE, 4, classes=3, mapping=1)
    y = torch.tensor([0, 1, 2, 1])
    D(G(randn(4, 6), y), y).square().sum().backward()
    assert not [name for net in (G, D) for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]


def test_networks_meet_the_class_in_their_own_way():
    G, D = generator(classes=3).eval(), StyleGAN2Critic(SHAPE, 4, classes=3, mapping=1)
    z, y = randn(4, 6), torch.tensor([0, 1, 2, 2])
    x = G(z, y)
    torch.testing.assert_close(x, G(z, one_hot(y, 3).float()))  # attributes are rows as well
    assert not torch.equal(x[1:], G(z, torch.tensor([0, 2, 0, 1]))[1:])
    joint = torch.cat([z, G.embed.weight.T[y]], 1)
    normal = joint / joint.square().mean(1, keepdim=True).sqrt()
    torch.testing.assert_close(G.mapped(z, y), G.mapping(normal))
    features, logits = D.features_and_logits(x, y)
    toward = D[-1].map[1:](D[-1].map[0].weight.T[y])
    expected = (D[-1].linear(features) * toward).sum(1, keepdim=True) / math.sqrt(features.shape[1])
    torch.testing.assert_close(logits, expected)


def test_training_mixes_styles_and_evaluation_does_not():
    G, z = generator((1, 16, 16), z=6, mixing=0.9), randn(4000, 6)
    w = G.mapped(z)
    ws = G.styles(z)
    own = (ws == w[:, None]).all(2)
    assert G.depth == 6 and own[:, 0].all() and (own[:, 1:] <= own[:, :-1]).all()
    # One of 5 layers, each as likely, begins the other style in .9 of the examples.
    assert own.float().mean(0).tolist() == pytest.approx([1 - 0.18 * k for k in range(6)], abs=0.03)
    G.eval()
    assert torch.equal(G.styles(z), w[:, None].expand(-1, 6, -1))
    assert (generator((1, 16, 16), mixing=0.0).styles(z) == w[:, None]).all()


def test_it_exports_for_any_number_of_examples():
    G = generator(noisy=True).eval()
    exported = torch.export.export(G, (randn(2, 6),), dynamic_shapes=({0: torch.export.Dim("n")},)).module()
    torch.testing.assert_close(exported(randn(7, 6)), G(randn(7, 6)))


def test_noise_is_drawn_in_training_and_fixed_afterwards():
    G, z = generator(noisy=True, mixing=0.0), randn(5, 6)
    torch.manual_seed(3)
    first = G(z)
    assert not torch.allclose(first, G(z))
    torch.manual_seed(3)
    assert torch.equal(first, G(z))
    G.eval()
    fixed = G(z)
    assert torch.equal(fixed, G(z)) and not torch.allclose(fixed, first)
    torch.testing.assert_close(fixed[:2], G(z[:2]))  # whatever stands beside it
    plain = generator(mixing=0.0)
    torch.testing.assert_close(plain(z), plain.eval()(z))  # its strength is 0 at first


def test_the_mean_of_w_moves_in_training_alone():
    G, z = generator(), randn(7, 6)
    G.eval()(z)
    assert not G.mean.any()
    G.train()(z)
    torch.testing.assert_close(G.mean, (1 - DECAY) * G.mapped(z).mean(0))


def test_truncation_pulls_styles_to_their_mean():
    G = generator(noisy=True)
    G.mean.copy_(randn(5))
    model = Model(ModelSpec(small(), SHAPE), G.eval())
    (z,) = model.draw_inputs(2)
    truncated = G.mean + 0.3 * (G.mapped(z[:5]) - G.mean)
    images = model.modality.decode(G.synthesis(truncated[:, None].expand(-1, G.depth, -1)), model.spec.facts)
    assert (model.sample(5, seed=2, truncation=0.3).int() - images.int()).abs().max() <= 1
    whole = model.sample(5, seed=2)
    assert torch.equal(model.sample(5, seed=2, truncation=1.0), whole) and not torch.equal(whole[0], whole[1])
    mean = model.modality.decode(G.synthesis(G.mean.expand(1, G.depth, -1)), model.spec.facts).int()
    assert (model.sample(5, seed=2, truncation=1e-6).int() - mean).abs().max() <= 1
    for psi in (0.0, -1.0, math.nan):
        with pytest.raises(UserError, match=r"truncation is .*: it must be above 0"):
            model.sample(1, truncation=psi)


def test_path_lengths_of_a_linear_generator_in_closed_form():
    A, z, y = randn(12, 5), randn(4, 5), randn(4, 1, 3, 4)

    def G(z: Tensor) -> Tensor:
        return (z @ A.T).view(-1, 1, 3, 4)

    wish = PathLength(G, False, decay=0.9)  # pyright: ignore[reportArgumentType]
    nn.init.constant_(wish.a, 0.5)
    verdict = Verdict(nn.Identity(), y, y, latent={"z": z, "direction": y})
    expected = (y.flatten(1) @ A).norm(dim=1) / math.sqrt(12)
    torch.testing.assert_close(wish(verdict), (expected - 0.5).square())
    assert wish.a.item() == 0.5  # until the player has moved
    wish.after(wish.notes(verdict))
    assert wish.a.item() == pytest.approx(0.9 * 0.5 + 0.1 * expected.mean().item())


def test_path_lengths_of_styles_against_the_jacobian():
    G = generator(noisy=True).eval().double()
    z, y = randn(3, 6).double(), randn(3, *SHAPE).double()
    ws = G.styles(z)
    lengths = PathLength(G, False).lengths(Verdict(nn.Identity(), y, y, latent={"z": z, "direction": y}))
    for n in range(3):
        J = torch.autograd.functional.jacobian(lambda w: G.synthesis(w).flatten(), ws[n : n + 1])
        slopes = torch.einsum("ynld,y->ld", J, y[n].flatten() / 8)
        torch.testing.assert_close(lengths[n], slopes.square().sum(1).mean().sqrt())
    lengths.sum().backward()
    assert G.mapping[0].weight.grad.any() and G.constant.grad.any()  # the second derivative is there


def test_packs_have_the_path_lengths_of_their_examples():
    G = generator(classes=3).eval()
    z, y, x = randn(4, 6), torch.tensor([0, 1, 2, 2]), randn(4, *SHAPE)
    told = [
        PathLength(G, True).lengths(Verdict(nn.Identity(), x, x, None, given, {"z": z, "direction": x}))
        for given in (y, y.view(2, 2), one_hot(y, 3).float().view(2, 2, 3))
    ]
    torch.testing.assert_close(told[0], told[1])
    torch.testing.assert_close(told[0], told[2])


def test_lazy_penalties_are_turns_of_their_own():
    turns = loop_of(small()).game.turns(0)
    assert [(turn.name, turn.every) for turn in turns] == [
        ("critic", 1), ("smooth", 3), ("generator", 1), ("smooth_generator", 2),
    ]  # fmt: skip
    assert correction("G", turns) == pytest.approx(2 / 3) and correction("D", turns) == pytest.approx(3 / 4)
    eager = loop_of(small(penalty_every=1, generator_penalty_every=1))
    assert set(eager.round()) == {
        "critic.real", "critic.fake", "critic.r1", "generator.generator", "generator.path_length",
    }  # fmt: skip
    none = loop_of(small(methods=(), penalties=()))
    assert [turn.name for turn in none.game.turns(0)] == ["critic", "generator"]
    told = loop_of(small(), GIVEN["classes"])  # which it is not conditional on
    assert [set(told.round()) - {"critic.real", "critic.fake", "generator.generator"} for _ in range(3)] == [
        {"smooth.r1", "smooth_generator.path_length"}, set(), {"smooth_generator.path_length"},
    ]  # fmt: skip


@pytest.mark.parametrize("what", GIVEN)
def test_resumed_to_the_bit_and_read_again(what, tmp_path):
    given = GIVEN[what]
    recipe = small(conditioning="own" if given is not None else "", methods=("path-length", "feature-matching"))
    # Rounds 2, 3, 4: path length, R1, path length.
    loop, _ = resumed_to_the_bit(lambda: loop_of(recipe, given), after=3)
    assert loop.game.stateful_terms[0].a.item() > 0
    if what == "attributes":
        return  # a model of attributes wants rows of its data; that is tested elsewhere
    labels, shares = (("a", "b", "c"), (1 / 3,) * 3) if what == "classes" else ((), ())
    model = Model(ModelSpec(recipe, SHAPE, labels, shares), loop.ema.players["G"])
    model.save(tmp_path)
    for truncation in (None, 0.7):
        drawn = model.sample(5, seed=3, truncation=truncation)
        assert torch.equal(load_model(tmp_path).sample(5, seed=3, truncation=truncation), drawn)


def test_watching_changes_nothing():
    watched, plain = loop_of(small()), loop_of(small())
    for loop in (watched, plain):
        played(loop, 1)
    assert watched.ema.players["G"].mean.any()
    Model(ModelSpec(small(), SHAPE), watched.ema.players["G"]).sample(3, truncation=0.5)
    assert all(torch.equal(value, plain.state()[name]) for name, value in watched.state().items())
    for loop in (watched, plain):
        played(loop, 2)
    assert all(torch.equal(value, plain.state()[name]) for name, value in watched.state().items())


def test_what_can_not_be_is_refused_in_one_line():
    with pytest.raises(UserError, match="couples the whole batch"):
        loop_of(small(), micro_batches=2)
    with pytest.raises(UserError, match="use --size 28"):
        build_game(small(), (1, 30, 30))
    with pytest.raises(UserError, match="mapping is 0"):
        generator(mapping=0)
