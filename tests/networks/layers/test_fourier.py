import math

import torch

from sparring.networks.fourier import Fourier


def test_the_features_of_the_paper():
    torch.manual_seed(0)
    layer, x = Fourier(2, 5, 3.0), torch.randn(4, 2)
    for n in range(4):
        for k in range(5):
            turn = 2 * math.pi * sum(float(layer.B[k, i] * x[n, i]) for i in range(2))
            assert abs(float(layer(x)[n, 2 + k]) - math.sin(turn)) < 1e-4
            assert abs(float(layer(x)[n, 7 + k]) - math.cos(turn)) < 1e-4
    assert torch.equal(layer(x)[:, :2], x)
    assert abs(float(Fourier(2, 20_000, 3.0).B.std()) - 3) < 0.05
