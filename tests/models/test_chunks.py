"""Samples are drawn in chunks, each by a random stream of its own: sample i depends on the seed and i alone."""

import numpy as np
import torch
from by_hand import random_images
from torch import Tensor, nn

from sparring.data.dataset import Split
from sparring.models.model import CHUNK, Model
from sparring.models.spec import ModelSpec
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES

SAMPLE, CLASS, SEED = 4, 6, 5
"""The second number of the key of a stream, by its use; and the first."""


class Identity(nn.Module):
    """z, or z moved by ten times its class."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        return self.gain * z + (10.0 * y[0][:, None] if y else 0.0)


def stream(*key: int) -> torch.Generator:
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def latents(chunks: int) -> Tensor:
    """Of points: N(0, I) in the plane."""
    return torch.cat([torch.randn(CHUNK, 2, generator=stream(SEED, SAMPLE, k)) for k in range(chunks)])


def model() -> Model:
    return Model(ModelSpec(RECIPES["points"], (2,)), Identity())


def test_every_chunk_has_latents_of_its_own():
    actual = [z for (z,) in model().chunks(2 * CHUNK + 7, SEED)]
    assert [len(z) for z in actual] == [CHUNK, CHUNK, 7]
    assert torch.equal(torch.cat(actual), latents(3)[: 2 * CHUNK + 7])
    assert len(torch.cat(actual).unique(dim=0)) == 2 * CHUNK + 7


def test_samples_are_of_their_chunks_in_order():
    n = 2 * CHUNK + 7
    assert torch.equal(model().sample(n, SEED), latents(3)[:n])
    assert torch.equal(torch.cat(list(model().stream(n, SEED))), latents(3)[:n])
    assert torch.equal(model().sample(3, SEED), latents(1)[:3])
    assert torch.equal(model().draw_inputs(SEED, 2)[0], latents(3)[2 * CHUNK :])


def test_classes_are_drawn_chunk_by_chunk_too():
    shares, n = (0.2, 0.5, 0.3), CHUNK + 40
    recipe = RECIPES["cgan"]
    conditional = Model(ModelSpec(recipe, (1, 8, 8), ("a", "b", "c"), shares), Identity())
    draws = [
        torch.multinomial(torch.tensor(shares), CHUNK, replacement=True, generator=stream(SEED, CLASS, k))
        for k in (0, 1)
    ]
    expected = torch.cat(draws)[:n]
    assert torch.equal(torch.cat([y for _, y in conditional.chunks(n, SEED)]), expected)
    asked = conditional.sampled_labels(n, SEED)
    assert asked is not None and torch.equal(asked, expected)
    assert not torch.equal(expected[CHUNK:], expected[:40])


def test_translators_go_through_the_pictures_held_out_and_begin_anew():
    """120 pictures in chunks of 50: the third holds the last twenty, and the first thirty again."""
    x = (127.5 * (random_images(120, 3, 8, seed=0) + 1)).round().to(torch.uint8)
    recipe = RECIPES["pix2pix"]
    translator = ImageToImageModel(ModelSpec(recipe, (3, 8, 8)), Identity(), validation=Split(x, condition=x.flip(1)))
    chunks = [translator.draw_inputs(0, k)[0] for k in range(3)]
    assert torch.equal(torch.cat(chunks), x.flip(1)[torch.arange(150) % 120])
    assert torch.equal(translator.sample(120), x.flip(1))
    assert len(translator.sample(500)) == 120  # as many as there are
