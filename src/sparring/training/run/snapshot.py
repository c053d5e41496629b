"""The model of a loop, as it is scored and saved."""

from copy import deepcopy

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.data.table.schema import Schema
from sparring.models.load import model_from_run
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.networks.rows import RowGenerator
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks
from sparring.training.loop.loop import Loop

SEED = 2**40
"""Of the latents for calibration, which no user draws."""


class CalibratedSnapshot:
    """A table generator with the category frequencies of the data. During training they are off by a few hundredths,
    in averaged weights too, so the biases of a copy's logits are corrected. Other models are returned unchanged.
    """

    def __init__(self, model: Model, data: Dataset):
        self.model = model
        self.data = data

    def __call__(self) -> Model:
        """The model with its current weights."""
        if not isinstance(self.model.G, RowGenerator):
            return self.model
        G = deepcopy(self.model.G)
        z, *given = self.model.draw_inputs(SEED)
        assert isinstance(self.data.facts, Schema)
        G.calibrate(self.data.facts.shares(self.data.train.values), z.to(next(G.parameters())), *given)
        return Model(self.model.spec, G)


def snapshot(loop: Loop, config: Config, data: Dataset) -> Model:
    """The model of the loop's averaged players. It shares their weights: it changes as they train."""
    recipe = config.adjusted_recipe.with_layout(data.layout)
    about = ModelSpec(recipe, data.shape, data.names, data.shares, data.scales, data.facts)
    return model_from_run(about, data, dict(loop.ema.players))


def distributed_samples(model: Model, n: int, ranks: Ranks) -> Tensor:
    """`model.sample(n)` to the bit, its chunks distributed over the ranks."""
    if ranks.world == 1:
        return model.sample(n)
    share = -(-n // (model.chunk * ranks.world))
    mine = [model.decode(model.draw_inputs(0, ranks.world * i + ranks.rank)) for i in range(share)]
    chunks = ranks.gather(torch.stack(mine)).unflatten(0, (ranks.world, share))  # (world, share, chunk, …)
    return chunks.transpose(0, 1).flatten(0, 2)[:n]
