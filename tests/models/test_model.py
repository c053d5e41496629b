"""Sampling from a generator whose samples are its latents."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from sparring.build.game import build_generator
from sparring.data.facts import ArrayFacts
from sparring.data.table.columns import Category
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.models.load import load_model
from sparring.models.model import CHUNK, Model
from sparring.models.spaces import truncate_normal
from sparring.models.spec import ModelSpec
from sparring.recipes import RECIPES


class Identity(nn.Module):
    """Returns z + 10 y. Records its calls."""

    def __init__(self):
        super().__init__()
        self.weight, self.calls = nn.Parameter(torch.ones((), dtype=torch.float64)), []

    def forward(self, z, *conditions):
        self.calls.append((z.dtype, self.training, torch.is_grad_enabled()))
        return z * self.weight + sum(10 * y.view(len(z), -1).to(z)[:, :1] for y in conditions)


POINTS = RECIPES["points"]


def points(scale: float = 1.0, **changes) -> Model:
    return Model(ModelSpec(replace(POINTS, **changes), (2,), facts=ArrayFacts(scale)), Identity())


def by_class() -> Model:
    recipe = POINTS.with_options(conditioning="input")
    return Model(ModelSpec(recipe, (2,), ("a", "b", "c"), (0.5, 0.25, 0.25)), Identity())


def test_a_generator_runs_in_evaluation_mode_without_gradients_in_its_own_precision():
    model = points()
    model.G.train()
    fake = model.forward([torch.ones(3, 2)])
    assert model.G.calls == [(torch.float64, False, False)] and model.G.training
    assert fake.dtype == torch.float32 and not fake.requires_grad
    model.G.eval()
    model.forward([torch.ones(3, 2)])
    assert not model.G.training and not any(p.requires_grad for p in model.G.parameters())


def test_points_are_scaled_back():
    (z,) = points().draw_inputs(0)
    torch.testing.assert_close(points(scale=3.0).sample(7), 3 * z[:7])


def test_classes_are_inputs_by_index():
    model = by_class()
    assert model.classes == ("a", "b", "c")
    z, y = model.draw_inputs(3)
    assert z.shape == (CHUNK, 2) and torch.equal(model.sample(9, seed=3), (z + 10 * y[:, None])[:9])
    assert torch.equal(model.sampled_labels(9, seed=3), y[:9])
    assert torch.equal(model.sampled_labels(9), model.sampled_labels(9, seed=0))
    assert torch.equal(model.sample(4, seed=3, label="c"), z[:4] + 20)  # the same latents
    assert len(model.sampled_labels(CHUNK + 1)) == CHUNK + 1 and len(model.sampled_labels(CHUNK)) == CHUNK
    assert points().sampled_labels(3) is None


@pytest.mark.parametrize("n", [0, -1])
def test_invalid_sample_requests(n):
    with pytest.raises(UserError, match="it must be 1 or more"):
        points().sample(n)
    with pytest.raises(UserError, match="has no classes"):
        points().sample(1, label="a")


def test_sample_seeds_are_first_samples():
    model = by_class()
    actual = model.sample_seeds(range(30))
    assert torch.equal(actual, torch.cat([model.sample(1, seed=seed) for seed in range(30)]))
    assert (actual.amax(1) > 7).any()  # some of other classes than the first
    of_b = torch.cat([model.sample(1, seed, label="b") for seed in (4, 2)])
    assert torch.equal(model.sample_seeds([4, 2], label="b"), of_b)
    bounded = model.sample_seeds([4], truncation=0.1, label="a")
    assert bounded.abs().max() <= 0.1 and torch.equal(bounded, model.sample(1, 4, 0.1, "a"))


def test_more_seeds_than_a_chunk_are_decoded_in_chunks():
    model = points()
    assert len(model.sample_seeds([0] * (CHUNK + 2))) == CHUNK + 2 and len(model.G.calls) == 2


def test_truncation_bounds_only_the_normal_numbers():
    """Latents of 2 normal numbers, a category of 3, and a code."""
    model = points(categories=3, codes=1)
    (z,) = model.draw_inputs(0)
    actual = model.sample(200, truncation=0.5)
    assert torch.equal(actual[:, 2:], z[:200, 2:])
    torch.testing.assert_close(actual[:, :2], truncate_normal(z[:200, :2], 0.5).float())
    for bound in (0.0, -1.0, float("nan")):
        with pytest.raises(UserError, match="must be above 0"):
            model.sample(1, truncation=bound)


def test_truncation_is_symmetric_and_within_its_bound():
    z = torch.tensor([-40.0, -1.0, 0.0, 1.0, 40.0], dtype=torch.float64)
    actual = truncate_normal(z, 0.7)
    torch.testing.assert_close(actual, -actual.flip(0))
    assert abs(actual[2]) < 1e-12 and actual[4] == 0.7 and 0 < actual[3] < 0.7


def test_latents_of_another_width_raise():
    for bad in (torch.zeros(3, 1), torch.zeros(3, 3), torch.zeros(2)):
        with pytest.raises(UserError, match=r"latents \(n, 2\)"):
            points().decode([bad])


def test_preview_has_one_row_per_class(monkeypatch):
    shown = []
    monkeypatch.setattr(Model, "view", lambda self, x, *columns: shown.append((x, *columns)))
    model = by_class()
    model.preview(7)  # 2 of each of the 3 classes
    assert shown[0][1] == 2
    assert torch.equal(shown[0][0], torch.cat([model.sample(2, label=name) for name in "abc"]))
    model.preview(2)  # fewer than classes
    assert torch.equal(shown[1][0], torch.cat([model.sample(1, label=name) for name in "ab"])) and shown[1][1] == 1
    plain = points()
    plain.preview(5)
    assert len(shown[2]) == 1 and torch.equal(shown[2][0], plain.sample(5))


class Encoder(nn.Module):
    """Posterior mean: an image's mean and twice that; then a variance."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x):
        mean = self.weight * x.flatten(1).mean(1, keepdim=True)
        return torch.cat([mean, 2 * mean, mean * 0 + 7], 1)


class Flat(nn.Module):
    """Constant images of the latent's first number."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z):
        return (self.weight * z[:, :1, None, None]).expand(-1, 1, 4, 4)


def test_encode_returns_the_posterior_mean():
    model = Model(ModelSpec(replace(RECIPES["bigan"], z=2), (1, 4, 4)), Flat(), Encoder().train())
    assert model.players.keys() == {"G", "E"} and points().players.keys() == {"G"}
    x = (torch.arange(CHUNK + 3) % 256).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).to(torch.uint8)
    model.E.train()
    z = model.encode(x)
    brightness = x[:, 0, 0, 0].float() / 127.5 - 1
    torch.testing.assert_close(z, torch.stack([brightness, 2 * brightness], 1), atol=1e-5, rtol=0)
    assert model.E.training and torch.equal(model.reconstruct(x), x)
    with pytest.raises(UserError, match="encodes uint8"):
        model.encode(x[:, :, :3])


def test_save_and_load_prefers_best_to_last(tmp_path):
    model = Model(ModelSpec(POINTS, (2,)), build_generator(POINTS, (2,)))
    model.save(tmp_path)
    assert torch.equal(load_model(tmp_path).sample(5), model.sample(5))
    with torch.no_grad():
        for p in model.G.parameters():
            p.mul_(2)
    model.save(tmp_path / "model", "best")
    (tmp_path / "last.safetensors").rename(tmp_path / "model" / "last.safetensors")
    assert torch.equal(load_model(tmp_path).sample(5), model.sample(5))
    assert not torch.equal(load_model(tmp_path, "last").sample(5), model.sample(5))
    with pytest.raises(UserError, match=r"no first\.safetensors"):
        load_model(tmp_path, "first")


def test_table_models_have_larger_chunks():
    table = Model(ModelSpec(replace(POINTS, modality="table"), (2,), facts=Schema((), "")), Identity())
    assert table.chunk == 10 * CHUNK and points().chunk == CHUNK
    assert table.draw_inputs(0)[0].shape == (10 * CHUNK, 2)


def test_save_keeps_a_thousand_rows_of_attributes(tmp_path):
    recipe = POINTS.with_options(conditioning="input")
    spec = ModelSpec(recipe, (2,), ("tone", "luck"), (), ((0.0, 1.0), (0.0, 2.0)))
    rows = torch.randn(1100, 2, generator=torch.Generator().manual_seed(0))
    model = Model(spec, build_generator(recipe, (2,), 2), rows=rows)
    assert model.classes == () and torch.equal(model.conditioning.rows, rows[:1000])
    model.save(tmp_path)
    actual = load_model(tmp_path)
    assert torch.equal(actual.conditioning.rows, rows[:1000]) and torch.equal(actual.sample(5), model.sample(5))
    unconditional = Model(ModelSpec(POINTS, (2,), scales=spec.scales), build_generator(POINTS, (2,)))
    unconditional.save(tmp_path / "other")
    assert torch.equal(load_model(tmp_path / "other").sample(5), unconditional.sample(5))
    Model(spec, model.G, rows=rows[:0]).save(tmp_path)
    with pytest.raises(UserError, match="which has 2 attributes"):
        load_model(tmp_path)


def test_table_models_are_conditioned_on_options():
    schema = Schema((Category("a", ("p", "q"), (3, 1), 2), Category("b", ("p", "q", "r"), (1, 1, 2), 3)), "")
    recipe = replace(POINTS, modality="table").with_options(conditioning="input")
    model = Model(ModelSpec(recipe, (2,), facts=schema), Identity())
    assert model.conditioning.widths == (2, 3) == tuple(schema.choices)
    assert model.conditioning.columns == schema.option_shares and model.conditioning.columns[1] == (0.25, 0.25, 0.5)
    _, condition = model.draw_inputs(0)
    assert condition.shape == (10 * CHUNK, 5) and (condition.sum(1) == 1).all()


def test_noise_of_the_generator_follows_the_latent():
    model = points()
    model.G.noise_dims = 3
    (z,) = model.draw_inputs(0)
    assert z.shape == (CHUNK, 5) and model.decode([z]).shape == (CHUNK, 5)
    with pytest.raises(UserError, match=r"latents \(n, 5\)"):
        model.decode([z[:, :2]])


def test_load_into_the_users_networks(tmp_path):
    model = Model(ModelSpec(replace(RECIPES["bigan"], z=2), (1, 4, 4)), Flat(), Encoder())
    with torch.no_grad():
        model.G.weight.fill_(0.5)
        model.E.weight.fill_(0.25)
    model.save(tmp_path)
    actual = load_model(tmp_path, networks={"G": Flat(), "E": Encoder()})
    assert actual.G.weight == 0.5 and actual.E.weight == 0.25
