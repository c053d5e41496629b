import torch
from torch import nn

from sparring.networks.labels import LabelledCritic, LabelledGenerator


def test_the_label_stands_behind_latent_and_channels():
    y = torch.tensor([2, 0])
    seen = LabelledGenerator(nn.Identity(), 3)(torch.full((2, 4), 9.0), y)
    assert seen.tolist() == [[9, 9, 9, 9, 0, 0, 1], [9, 9, 9, 9, 1, 0, 0]]
    planes = LabelledCritic(nn.Identity(), 3)(torch.full((2, 1, 5, 6), 9.0), y)
    assert planes.shape == (2, 4, 5, 6)
    assert torch.equal(planes[0, :, 0, 0], torch.tensor([9.0, 0, 0, 1])) and planes[:, 1:].sum() == 2 * 30
    assert LabelledCritic(nn.Identity(), 3)(torch.zeros(2, 2), y).tolist() == [[0, 0, 0, 0, 1], [0, 0, 1, 0, 0]]
