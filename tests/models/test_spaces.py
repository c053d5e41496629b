"""Latent spaces: moments in closed form, gradients, truncation, and how z, w and w+ relate."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from sparring.build.game import build_generator
from sparring.models.model import Model, ModelSpec
from sparring.models.spaces import STYLES, slerp
from sparring.recipes import RECIPES
from sparring.recipes.recipe import Network

SHAPE = (1, 8, 8)
STYLEGAN2 = replace(
    RECIPES["stylegan2"], z=6, generator=Network("stylegan2-generator", {"w": 5, "width": 4, "widest": 8, "mapping": 2})
)


class LinearlyMapped(nn.Module):
    """w = A z, an image is the sum of a linear map of each layer's w."""

    depth = 3

    def __init__(self, dim: int, w: int):
        super().__init__()
        self.A = nn.Parameter(torch.randn(w, dim))
        self.B = nn.Parameter(torch.randn(self.depth, w, 64))

    def mapped(self, z: Tensor) -> Tensor:
        return z @ self.A.T

    def styles(self, z: Tensor) -> Tensor:
        return self.mapped(z)[:, None].expand(-1, self.depth, -1)

    def synthesis(self, w: Tensor) -> Tensor:
        return torch.einsum("ndw,dwp->np", w, self.B).view(-1, *SHAPE)

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.styles(z))


def linear() -> Model:
    torch.manual_seed(0)
    recipe = replace(RECIPES["mlp-gan"], z=4)
    return Model(ModelSpec(recipe, SHAPE), LinearlyMapped(4, 5))


def stylegan2() -> Model:
    torch.manual_seed(0)
    G = build_generator(STYLEGAN2, SHAPE)
    G.mean.copy_(torch.randn(5))
    return Model(ModelSpec(STYLEGAN2, SHAPE), G)


def latents(model: Model, space: str, n: int = 7) -> Tensor:
    return model.spaces[space].draw(n, torch.Generator().manual_seed(1))


def test_moments_of_the_prior_in_closed_form():
    recipe = replace(RECIPES["infogan"], z=3, categories=4, codes=2)
    space = Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE)).spaces["z"]
    z = space.draw(200_000, torch.Generator().manual_seed(0))
    assert space.shape == z.shape[1:] == (9,)
    assert space.mean.tolist() == pytest.approx([0] * 3 + [1 / 4] * 4 + [0] * 2)
    assert space.std.tolist() == pytest.approx([1] * 3 + [math.sqrt(3) / 4] * 4 + [1 / math.sqrt(3)] * 2)
    torch.testing.assert_close(z.mean(0), space.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(z.std(0), space.std, atol=0.01, rtol=0)


def test_w_of_a_linear_mapping_network():
    """w = A z with z ~ N(0, I) has mean 0 and variance Σⱼ Aᵢⱼ²."""
    model = linear()
    space, A = model.spaces["w"], model.G.get_parameter("A")
    assert space.shape == (5,) and model.spaces["w+"].shape == (3, 5)
    spread = A.norm(dim=1)
    assert (space.mean.abs() < 4 * spread / math.sqrt(STYLES)).all()
    torch.testing.assert_close(space.std, spread, rtol=0.03, atol=0)
    assert torch.equal(space.mean, linear().spaces["w"].mean)
    z = latents(model, "z")
    torch.testing.assert_close(latents(model, "w"), z @ A.T)
    torch.testing.assert_close(space.make(z @ A.T), model.spaces["z"].make(z))


def test_w_has_the_running_mean_of_its_network():
    model = stylegan2()
    assert torch.equal(model.spaces["w"].mean, model.G.get_buffer("mean"))
    assert torch.equal(model.spaces["w+"].mean, model.G.get_buffer("mean").expand(4, 5))
    styles = latents(model, "w", 50_000)
    torch.testing.assert_close(model.spaces["w"].std, styles.std(0), rtol=0.05, atol=0)


def test_only_generators_with_a_mapping_network_have_w():
    recipe = RECIPES["mlp-gan"]
    assert list(Model(ModelSpec(recipe, SHAPE), build_generator(recipe, SHAPE)).spaces) == ["z"]
    assert list(stylegan2().spaces) == list(linear().spaces) == ["z", "w", "w+"]


@pytest.mark.parametrize("name", ["z", "w", "w+"])
def test_gradients_flow_where_they_are_asked_for(name):
    model, space = stylegan2(), stylegan2().spaces[name]
    latent = latents(model, name)
    assert not space.make(latent).requires_grad
    leaf = latent.clone().requires_grad_()
    samples = space.make(leaf)
    torch.testing.assert_close(samples, space.make(latent))
    (slope,) = torch.autograd.grad(samples[3].sum(), leaf)
    assert slope[3].abs().max() > 0 and not slope[:3].any() and not slope[4:].any()
    with torch.no_grad():
        assert not space.make(leaf).requires_grad
    assert not any(p.requires_grad for p in model.G.parameters())


def test_gradients_of_a_linear_generator_in_closed_form():
    model, z = linear(), torch.randn(2, 4).requires_grad_()
    direction = torch.randn(2, *SHAPE)
    (slope,) = torch.autograd.grad(model.spaces["z"].make(z), z, direction)
    A, B = model.G.get_parameter("A"), model.G.get_parameter("B").sum(0)
    torch.testing.assert_close(slope, direction.flatten(1) @ B.T @ A)


def test_equal_styles_in_w_plus_are_w():
    model = stylegan2()
    w = latents(model, "w")
    wide = w[:, None].expand(-1, 4, -1)
    assert torch.equal(latents(model, "w+"), wide)
    assert torch.equal(model.spaces["w+"].make(wide), model.spaces["w"].make(w))
    assert torch.equal(model.spaces["w"].make(w), model.spaces["z"].make(latents(model, "z")))


@pytest.mark.parametrize("psi", [0.3, 0.7, 1.0])
def test_truncated_samples_are_those_of_truncated_styles(psi):
    model = stylegan2()
    space, (z,) = model.spaces["w"], model.draw_inputs(5)
    w = space.from_z(z[:6])
    truncated = space.truncate(w, psi)
    torch.testing.assert_close(truncated, space.mean + psi * (w - space.mean))
    images = model.modality.decode(space.make(truncated), model.spec.facts)
    assert torch.equal(model.sample(6, seed=5, truncation=psi), images)


def test_conditional_styles_have_the_condition_they_are_given():
    torch.manual_seed(0)
    recipe = STYLEGAN2.with_options(conditioning="input")
    model = Model(ModelSpec(recipe, SHAPE, ("a", "b"), (0.5, 0.5)), build_generator(recipe, SHAPE, 2))
    z, y = latents(model, "z"), torch.tensor([0, 1, 1, 0, 1, 0, 0])
    w = model.spaces["w"].draw(7, torch.Generator().manual_seed(1), y)
    assert torch.equal(w, model.spaces["w"].from_z(z, y))
    assert torch.equal(model.spaces["w"].make(w), model.spaces["z"].make(z, y))
    assert torch.equal(latents(model, "w"), latents(model, "w")) and latents(model, "w").shape == (7, 5)


def test_w_interpolates_on_lines_and_z_on_great_circles():
    model, half = stylegan2(), torch.full((7,), 0.5)
    for name in ("w", "w+"):
        a, b = latents(model, name), latents(model, name).flip(0)
        torch.testing.assert_close(model.spaces[name].interpolate(a, b, half), (a + b) / 2)
    a = torch.nn.functional.normalize(latents(model, "z"))
    torch.testing.assert_close(model.spaces["z"].interpolate(a, a.flip(0), half).norm(dim=1), torch.ones(7))


def test_slerp_follows_the_great_circle():
    a, b, t = torch.tensor([[2.0, 0.0]] * 3), torch.tensor([[0.0, 2.0]] * 3), torch.tensor([0.0, 0.25, 1.0])
    angle = t * math.pi / 2
    torch.testing.assert_close(slerp(a, b, t), 2 * torch.stack([angle.cos(), angle.sin()], 1))
    torch.testing.assert_close(slerp(a, a, t), a)
