"""Weighted sums of loss terms and their gradients over micro-batches."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sparring.training.loop.gradients import add_gradients, weighted_sum


def test_loss_is_the_weighted_sum_of_means():
    parts = {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor(5.0), "c": torch.tensor([7.0, 9.0])}
    assert weighted_sum(parts, {"a": 0.5, "b": -1.0, "c": 2.0}.__getitem__).item() == pytest.approx(0.5 * 2 - 5 + 2 * 8)


def test_micro_batches_add_their_share_of_the_gradient():
    w = nn.Parameter(torch.tensor(2.0))
    x = torch.tensor([1.0, 2.0, 3.0, 6.0])

    def run(x):
        return {"square": (w * x).square(), "line": w * x}, {"note": x}

    weight = {"square": 1.0, "line": 10.0}.__getitem__
    for piece in x.split(2):
        parts, notes = add_gradients(SimpleNamespace(run=run), (piece,), weight, 0.5)
        assert set(parts) == {"square", "line"} and notes["note"] is piece
    # d/dw of the mean over the four of w²x² + 10wx
    assert w.grad.item() == pytest.approx(float((2 * 2 * x.square() + 10 * x).mean()))
