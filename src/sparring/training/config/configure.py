"""From the arguments of `sparring.train` to a configuration, as far as it can be resolved without data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring.build.game import with_all_options
from sparring.data import Dataset
from sparring.modalities.registry import MODALITIES
from sparring.recipes import Recipe, get_recipe
from sparring.training.config.config import Config
from sparring.training.config.settings import complete_settings
from sparring.training.loop import precision as machine


def configure(
    recipe: str | Recipe, data: str | Path | Dataset, *, networks: Mapping[str, nn.Module] = {}, **settings: Any
) -> Config:
    """The configuration that `sparring.train` uses for the same arguments.

    Args:
        settings: fields of `RunSettings`, and `data_options`.

    Raises UserError for bad arguments.
    """
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    values = complete_settings(Config, settings)
    device = machine.device(values["device"])
    open_length = values["examples"] is None and recipe.most_epochs > 0
    resolved = {
        "examples": recipe.images if values["examples"] is None else values["examples"],
        "open_length": open_length,
        "from_run": None if values["from_run"] is None else str(values["from_run"]),
        "device": str(device),
        "precision": machine.precision(values["precision"], device, MODALITIES[recipe.modality].bf16_suffices),
        "threads": torch.get_num_threads() if values["threads"] is None else values["threads"],
    }
    recipe = with_all_options(recipe).with_networks(networks)
    return Config(
        recipe=recipe if open_length else recipe.with_horizon(resolved["examples"]),
        data=data.spec if isinstance(data, Dataset) else str(data),
        **values | resolved,
    )
