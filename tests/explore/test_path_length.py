import pytest
import torch
from torch import nn

from sparring.explore.path_length import path_length
from sparring.metrics.features.features import FeatureExtractor
from sparring.models.model import Model, ModelSpec
from sparring.models.spaces import slerp
from sparring.recipes import RECIPES

FLAT = FeatureExtractor("flat", lambda x: x.flatten(1), "0")


def test_great_circles():
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(5, 64, generator=g, dtype=torch.float64) for _ in range(2))
    ends = [slerp(a, b, torch.full((5,), t, dtype=torch.float64)) for t in (0.0, 0.5, 1.0)]
    torch.testing.assert_close(ends[0], a)
    torch.testing.assert_close(ends[2], b)
    u, v = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    middle = slerp(u, v, torch.full((5,), 0.5, dtype=torch.float64))
    torch.testing.assert_close(middle.norm(dim=1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close((middle * u).sum(1), (middle * v).sum(1))


class Linear(nn.Module):
    """x = s z, so a step along the path moves features by s times the latent's step."""

    def __init__(self, scale):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, z):
        return (self.scale * z[:, :64]).view(-1, 1, 8, 8)


def length(scale):
    recipe = RECIPES["mlp-gan"]
    return path_length(Model(ModelSpec(recipe, (1, 8, 8)), Linear(scale)), FLAT)


def test_the_length_of_a_linear_model_in_closed_form():
    # On a great circle between normal latents of 100 numbers, of which 64 are seen, ‖dz/dt‖² = θ² ‖z‖², θ about π/2.
    assert length(0.01) == pytest.approx(0.01**2 * (torch.pi / 2) ** 2 * 64, rel=0.05)
    assert length(0.02) == pytest.approx(4 * length(0.01), rel=0.01)
    assert length(0.0) == 0
