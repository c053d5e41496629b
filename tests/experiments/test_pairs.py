"""Agreement of pairs of digits and edges."""

import pytest
import torch

from sparring.data.image.edges import edge_maps
from sparring.modalities.load import load_dataset


def test_agreement_is_of_those_that_belong_together(experiments):
    from experiments.scores.digits import agreement, shuffled

    images = load_dataset("digits").train.values
    own = torch.cat([images, edge_maps(images)], 1)
    assert agreement(own) > 0.99 and agreement(shuffled(own)) == pytest.approx(0.01, abs=0.01)
    assert agreement(load_dataset("digits+edges").train.values) < 0.03
    assert agreement(own[:1].expand(200, -1, -1, -1)) == 0  # a collapsed generator's are no nearer to their own
    half = own.clone()
    half[::2] = shuffled(own)[::2]
    assert agreement(half) == pytest.approx(0.5, abs=0.03)
