import pytest
import torch

from sparring.errors import UserError
from sparring.game import CriticOutput
from sparring.networks import NETWORKS
from sparring.networks.dcgan import DCGANCritic, DCGANEncoder, DCGANGenerator
from sparring.networks.layers.sizes import map_sizes

TABLES = ("table-", "ctgan-")
"""Networks that are told of columns."""


@pytest.mark.parametrize("side", [8, 9, 16, 28, 30, 33, 48, 64, 100])
@pytest.mark.parametrize("channels", [1, 4])
def test_dcgan_makes_and_judges_any_square(side, channels):
    shape = (channels, side, side)
    with torch.no_grad():
        x = DCGANGenerator(shape, z=5, width=2)(torch.randn(2, 5))
        assert x.shape == (2, *shape) and x.abs().max() <= 1
        assert DCGANCritic(shape, width=2)(x).shape == (2, 1)


def test_dcgan_64_is_the_papers():
    G = DCGANGenerator((3, 64, 64))
    assert map_sizes((3, 64, 64)) == [(side, side) for side in (64, 32, 16, 8, 4)]
    assert [tuple(p.shape[:2]) for p in G.parameters() if p.dim() == 4] == [
        (100, 512), (512, 256), (256, 128), (128, 64), (64, 3)]  # fmt: skip
    assert all(p.shape[2:] == (4, 4) for p in G.parameters() if p.dim() == 4)


@pytest.mark.parametrize("shape", [(1, 28, 7), (1, 7, 7)])
def test_dcgan_says_what_it_can_not_make(shape):
    with pytest.raises(UserError, match=f"network for {shape[1]}×{shape[2]}"):
        DCGANGenerator(shape)


TRANSLATORS = {"unet": 1, "gated-unet": 1, "translator": 1, "rrdb": 4}
"""From pictures to pictures, and how many times as large."""


def test_every_network_stands_in_the_registry_and_is_built_alike():
    x, z = torch.randn(3, 1, 8, 8), torch.randn(3, 100)
    takes = {"generator": (z, (3, 1, 8, 8)), "pair-critic": ((x, z), (3, 1)), "encoder": (x, (3, 100))}
    takes |= {name: (x, (3, 1, 8 * times, 8 * times)) for name, times in TRANSLATORS.items()}
    takes |= {"patch-critic": (x, (3, 4)), "domain-critic": (x, (3, 4))}
    classes = {"domain-critic": {"classes": 2}}
    for name, network in NETWORKS.items():
        if name.startswith(TABLES):
            continue
        shape = (2, 8, 8) if name.startswith("coupled") else (1, 8, 8)
        inputs, made = next((value for kind, value in takes.items() if name.endswith(kind)), (x, (3, 1)))
        if name.startswith("coupled"):
            inputs, made = (z, (3, *shape)) if name.endswith("generator") else (torch.randn(3, *shape), (3, 2))
        answer = network(shape=shape, **classes.get(name, {})).eval()(inputs)
        assert (answer.logits if isinstance(answer, CriticOutput) else answer).shape == made


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith(TABLES)])
def test_networks_of_tables_make_and_judge_rows(name):
    """Two columns of 3 and 2 options, the second with a position where its first option is chosen."""
    network = NETWORKS[name](shape=(6,), choices=[3, 2], places=[0, 1])
    if name.endswith("critic"):
        assert network(torch.randn(7, 6)).shape == (7, 1)
        return
    rows = network.eval()(torch.randn(50, network.z + 6))
    assert rows.shape == (50, 6) and ((rows[:, :5] == 0) | (rows[:, :5] == 1)).all()
    assert (rows[:, :3].sum(1) == 1).all() and (rows[:, 3:5].sum(1) == 1).all()
    assert ((rows[:, 5] != 0) == (rows[:, 3] == 1)).all() and rows[:, 5].abs().max() <= 1


def test_an_encoder_tells_one_or_two_moments():
    for moments in (1, 2):
        encoder = DCGANEncoder((3, 28, 20), z=5, width=2, moments=moments)
        assert encoder(torch.zeros(2, 3, 28, 20)).shape == (2, 5 * moments)


def test_dropout_is_off_when_sampling():
    critic, x = NETWORKS["mlp-critic"](shape=(1, 8, 8)).eval(), torch.randn(3, 1, 8, 8)
    assert torch.equal(critic(x), critic(x))
    assert not torch.equal(critic.train()(x), critic(x))
