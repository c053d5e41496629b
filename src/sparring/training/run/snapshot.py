"""The model that a loop leaves, as it is scored and kept."""

from copy import deepcopy

import torch
from torch import Tensor

from sparring.data import Dataset
from sparring.models.load import model_from_run
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.networks.rows import RowGenerator
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks
from sparring.training.loop.loop import Loop

SEED = 2**40
"""Of the latents that it is done for: nobody's."""


class CalibratedSnapshot:
    """Of a table, with each option of a column as likely as it is in the data. A generator that plays is a few
    hundredths off, now for one option and now for another, and so is the average of its weights. The biases of its
    logits are moved in a copy, so that looking changes no run.
    """

    def __init__(self, model: Model, data: Dataset):
        self.model = model
        self.shares = [] if data.schema is None else data.schema.shares(data.train.values)

    def __call__(self) -> Model:
        """The model as it is now."""
        if not isinstance(self.model.G, RowGenerator):
            return self.model
        G = deepcopy(self.model.G)
        z, *given = self.model.draw_inputs(SEED)
        G.settle(self.shares, z.to(next(G.parameters())), *given)
        return Model(self.model.spec, G)


def snapshot(loop: Loop, config: Config, data: Dataset) -> Model:
    """The model that a loop over this data leaves: the players it averages, as they are while it is played."""
    recipe = config.adjusted_recipe.with_layout(data.layout)
    about = ModelSpec(recipe, data.shape, data.names, data.shares, data.scales, data.value_scale, schema=data.schema)
    return model_from_run(about, data, dict(loop.ema.players))


def distributed_samples(model: Model, n: int, ranks: Ranks) -> Tensor:
    """`model.sample(n)` to the bit, its chunks drawn by the ranks in turn."""
    if ranks.world == 1:
        return model.sample(n)
    share = -(-n // (model.chunk * ranks.world))
    mine = [model.decode(model.draw_inputs(0, ranks.world * i + ranks.rank)) for i in range(share)]
    chunks = ranks.gather(torch.stack(mine)).unflatten(0, (ranks.world, share))  # (world, share, chunk, …)
    return chunks.transpose(0, 1).flatten(0, 2)[:n]
