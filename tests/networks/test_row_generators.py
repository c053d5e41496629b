"""Generators that decide a row column by column: what they call likely is what they make."""

import math
from itertools import product

import pytest
import torch
from torch.nn.functional import one_hot

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.networks.table import CTGANGenerator, TableGenerator
from sparring.recipes import RECIPES

CHOICES, PLACES = [2, 3, 2], [0, 1, 0]


def generator(kind=TableGenerator):
    torch.manual_seed(0)
    G = kind((8,), CHOICES, PLACES, z=4, width=16).eval()
    for p in G.parameters():
        p.data += 0.3 * torch.randn_like(p)
    return G.requires_grad_(False)


@pytest.mark.parametrize("kind", [TableGenerator, CTGANGenerator])
def test_likelihood_is_the_frequency_of_what_is_made(kind):
    """Of options, for one latent; positions stand still, at the mean they have where they are decided."""
    G, n = generator(kind), 40_000
    G._position = lambda told, noise: told[:, 0] * 0  # pyright: ignore
    G._position_nll = lambda told, position: 0 * position  # pyright: ignore
    z, noise = torch.randn(1, 4).expand(n, 4), torch.randn(n, G.noise_dims)
    options = torch.stack(G.generate(torch.cat([z, noise], 1)).options, 1)
    found, nll = [], []
    for row in product(*map(range, CHOICES)):
        found.append(float((options == torch.tensor(row)).all(1).double().mean()))
        parts = [one_hot(torch.tensor([k]), size) for k, size in zip(row, CHOICES, strict=True)]
        nll.append(float(G.nll(torch.cat([*parts, torch.zeros(1, 1)], 1), z[:1])))
    likely = [math.exp(-s) for s in nll]
    assert sum(likely) == pytest.approx(1, abs=1e-5) and found == pytest.approx(likely, abs=0.01)


def test_positions_have_the_density_they_are_drawn_with():
    G = generator()
    told = torch.tensor([0.4, math.log(0.7)])
    x = torch.linspace(-3.5, 3.5, 4_001)
    far = G._position_nll(told.expand(len(x), 2), 2 * torch.special.ndtr(x) - 1)
    density = (-far).exp() / math.sqrt(2 * math.pi)
    wanted = torch.distributions.Normal(0.4, 0.7).log_prob(x).exp()
    torch.testing.assert_close(density, wanted, atol=2e-3, rtol=0)


def test_settled_biases_are_those_of_what_is_made():
    G, shares = generator(), [torch.tensor(p) for p in ([0.9, 0.1], [0.2, 0.3, 0.5], [0.5, 0.5])]
    z = torch.randn(20_000, 4 + G.noise_dims)
    G.calibrate(shares, z)
    for option, share in zip(G.generate(torch.randn_like(z)).options, shares, strict=True):
        torch.testing.assert_close(option.bincount(minlength=len(share)) / len(z), share, atol=0.02, rtol=0)


def test_likelihood_is_of_tables_alone():
    with pytest.raises(UserError, match="'likelihood' needs a generator of table rows"):
        build_game(with_flags(RECIPES["dcgan"], {"methods": "likelihood"}), (1, 8, 8))
