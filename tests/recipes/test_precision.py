"""Every recipe of images is played in half precision too."""

import pytest
import torch
from playing import narrow, narrow_loop
from torch import nn

from sparring.build.overrides import loss_names
from sparring.networks.layers.blocks import SpectralNorm, spectral_norm
from sparring.recipes import RECIPES


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.modality in ("image", "pair")])
def test_a_round_in_bfloat16(name):
    recipe = narrow(name)
    recipe = recipe.with_options(warm_up=0) if "warm_up" in recipe.game.options else recipe
    loop = narrow_loop(recipe, autocast=torch.bfloat16)
    for _ in range(2):
        parts = loop.round()
        assert all(torch.isfinite(part).all() for part in parts.values())
    assert {part.split(".")[1] for part in parts} <= loss_names()  # by which they can be weighed


def test_spectral_norm_is_exact_under_autocast():
    torch.manual_seed(0)
    layer, x = spectral_norm(nn.Linear(5, 4)), torch.randn(3, 5)
    norm = layer.parametrizations.weight[0]
    assert isinstance(norm, SpectralNorm)
    with torch.autocast("cpu", torch.bfloat16):
        weight = layer.weight
        assert layer(x).dtype == torch.bfloat16
    assert weight.dtype == torch.float32 and torch.equal(weight, layer.weight)
