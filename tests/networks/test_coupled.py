"""Coupled networks: what is shared, and that both domains learn."""

import pytest
import torch
from torch import nn

from sparring.build.game import build_game
from sparring.errors import UserError
from sparring.networks.coupled import CoupledCritic, CoupledGenerator, domain
from sparring.networks.dcgan import DCGANCritic, DCGANGenerator
from sparring.networks.layers.heads import HeadedCritic, LinearHead, feature_width
from sparring.recipes import RECIPES

PAIR, ONE = (2, 28, 28), (1, 28, 28)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 28, 28), (6, 33, 20)])
def test_pairs_are_made_and_judged(shape):
    with torch.no_grad():
        x = CoupledGenerator(shape, 5, 2)(torch.randn(3, 5))
        assert x.shape == (3, *shape) and x.abs().max() <= 1
        features, logits = CoupledCritic(shape, 2).features_and_logits(x)
    assert features.shape == (3, feature_width(CoupledCritic(shape, 2), shape)) and logits.shape == (3, 2)


@pytest.mark.parametrize("own", [1, 2, 3])
def test_all_but_each_domains_own_layers_are_shared(own):
    """Two networks of one domain, less what they have in common."""
    for coupled, single, owned in (
        (CoupledGenerator(PAIR, 5, 4, own), DCGANGenerator(ONE, 5, 4), "tails"),
        (CoupledCritic(PAIR, 4, "layer", own), DCGANCritic(ONE, 4, "layer"), "heads"),
    ):
        a, b = getattr(coupled, owned)
        assert count(a) == count(b) and not {*a.parameters()} & {*b.parameters()}
        assert sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in a) == own
        assert count(coupled) == 2 * count(single) - (count(single) - count(a))
        assert len(coupled.state_dict()) == len({*coupled.state_dict()}) and count(a) < count(single)


def test_each_image_is_judged_by_its_head_alone():
    D, x = CoupledCritic(PAIR, 4, "none").eval(), torch.randn(3, *PAIR)
    other = torch.cat([x[:, :1], torch.randn(3, *ONE)], 1)
    assert torch.equal(D(x)[:, 0], D(other)[:, 0]) and not torch.equal(D(x)[:, 1], D(other)[:, 1])
    swapped = torch.cat([x[:, 1:], x[:, :1]], 1)
    assert not torch.allclose(D(x)[:, 0], D(swapped)[:, 1])
    D.heads[1].load_state_dict(D.heads[0].state_dict())
    torch.testing.assert_close(D(x)[:, 0], D(swapped)[:, 1])


def test_both_domains_get_gradients():
    torch.manual_seed(0)
    G, D = CoupledGenerator(PAIR, 5, 4), CoupledCritic(PAIR, 4)
    D(G(torch.randn(6, 5))).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for net in (G, D) for p in net.parameters())


def test_heads_read_the_features_of_both_domains():
    D, x = CoupledCritic(PAIR, 4, "none"), torch.randn(3, *PAIR)
    told = HeadedCritic(D, [LinearHead("class", feature_width(D, PAIR), 10)], [])(x)
    assert told.logits.shape == (3, 2) and told.extras["class"].shape == (3, 10)


@pytest.mark.parametrize("changes", [{"pack": 2}, {"conditioning": "input"}])
def test_what_would_mix_the_domains_is_refused(changes):
    with pytest.raises(UserError, match="coupled-critic judges each image of a pair by itself: leave pack and"):
        build_game(RECIPES["cogan"].with_options(**changes), (2, 8, 8), classes=3)


def test_what_is_no_pair_is_refused():
    with pytest.raises(UserError, match=r"no pairs of images in 3×8×8: .* give pairs, such as digits\+edges"):
        domain((3, 8, 8))
    for own in (0, 2):
        with pytest.raises(UserError, match=f"own is {own}: of 2 layers, 1 to 1 can be each domain's own"):
            CoupledCritic((2, 8, 8), 4, own=own)
