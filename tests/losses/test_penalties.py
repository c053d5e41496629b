"""Gradient penalties of pairs and images in closed form."""

import pytest
import torch

from sparring.game import Verdict
from sparring.losses.penalties import dragan, drift, lipschitz, r1, r2, squared_norm

G = torch.Generator().manual_seed(0)


def pairs():
    return torch.randn(3, 2, generator=G).double(), torch.randn(3, 4, generator=G).double()


def bowl(pair):
    """½‖x‖² + ‖z‖², whose gradients are x and 2z."""
    return (pair[0].square().sum(1) / 2 + pair[1].square().sum(1))[:, None]


def test_gradient_norm_of_a_pair_covers_both_tensors():
    (x, z), (y, w), eps = pairs(), pairs(), torch.rand(3, generator=G).double()
    v = Verdict(bowl, (x, z), (y, w), {"eps": eps})
    torch.testing.assert_close(r1(v), (x.square().sum(1) + 4 * z.square().sum(1)) / 2)
    torch.testing.assert_close(r2(v), (y.square().sum(1) + 4 * w.square().sum(1)) / 2)
    e = eps[:, None]
    between = e * x + (1 - e) * y, e * z + (1 - e) * w
    norm = (between[0].square().sum(1) + 4 * between[1].square().sum(1)).sqrt()
    torch.testing.assert_close(lipschitz(v), (norm - 1).square())


def test_norm_of_an_image_is_over_all_dimensions():
    x = torch.randn(3, 2, 4, 5, generator=G)
    torch.testing.assert_close(squared_norm(x), torch.stack([a.flatten() @ a.flatten() for a in x]))


def test_interpolation_uses_one_number_per_example():
    x, y, eps = torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2), torch.tensor([0.0, 0.25, 1.0])
    seen = []

    def critic(sample):
        seen.append(sample.detach())
        return sample.flatten(1).sum(1, keepdim=True)

    actual = lipschitz(Verdict(critic, x, y, {"eps": eps}))
    assert torch.equal(seen[0], (1 - eps).view(-1, 1, 1, 1).expand_as(x))
    assert actual.tolist() == pytest.approx([(4**0.5 - 1) ** 2] * 3, rel=1e-5)


def test_dragan_perturbs_by_half_an_images_standard_deviation():
    x = torch.randn(3, 1, 2, 2, generator=G).double() * torch.tensor([1.0, 2.0, 5.0]).view(-1, 1, 1, 1)
    delta = torch.rand(3, 1, 2, 2, generator=G)
    seen = []

    def critic(sample):
        seen.append(sample.detach())
        return sample.flatten(1).square().sum(1, keepdim=True) / 2

    actual = dragan(Verdict(critic, x, x, {"delta": delta}))
    deviation = torch.stack([a.flatten().std() for a in x]).view(-1, 1, 1, 1)
    near = x + deviation / 2 * delta.double()
    torch.testing.assert_close(seen[0], near)
    torch.testing.assert_close(actual, (near.flatten(1).norm(dim=1) - 1).square())


def test_drift_is_the_mean_over_patches():
    logits = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    assert drift(Verdict(lambda x: logits, logits, logits)).tolist() == pytest.approx([2.5, 5.0])
