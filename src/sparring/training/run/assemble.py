"""Builds the training loop of a configuration and a data set."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from sparring.build.game import build_game
from sparring.data import Dataset
from sparring.data.sources.folder import LABEL_FILE_NAME
from sparring.errors import UserError
from sparring.modalities.registry import MODALITIES, modality_of
from sparring.networks.layers.recompute import recompute
from sparring.rng import WEIGHTS, derived_seed
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks
from sparring.training.distributed.sync_batch_norm import synchronise
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import PRECISIONS
from sparring.training.loop.settings import loop_settings
from sparring.training.run.transfer import freeze_layers, load_weights_of


def build_loop(
    config: Config,
    data: Dataset,
    device: torch.device,
    networks: Mapping[str, nn.Module] = {},
    ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
) -> Loop:
    """The loop of the recipe's game, with weights initialised from the seed.

    Raises UserError for data of another modality than the recipe's, and for networks that don't fit the data.
    """
    modality = modality_of(data)
    if config.recipe.modality != data.modality:
        made = MODALITIES[config.recipe.modality].words.examples
        raise UserError(f"{config.recipe.name} makes {made}, but {data.spec} holds {modality.words.examples}")
    if config.recipe.conditional and not (data.classes or data.attributes):
        for file, reason in data.skipped:
            if file.endswith(LABEL_FILE_NAME):  # the first cause
                raise UserError(f"{config.recipe.name} learns by class, and {file} is not used: {reason}")
    torch.manual_seed(derived_seed(config.seed, WEIGHTS))
    recipe = config.adjusted_recipe.with_layout(data.layout)
    game = build_game(recipe, data.shape, networks, data.classes, data.attributes).to(device)
    config.machine.apply(dict(game.players.items()))
    freeze_layers(game.players["D"], config.freeze)
    if config.recompute and not sum(recompute(player) for player in game.players.values()):
        raise UserError(f"{config.recipe.name}'s networks have no stages to recompute: leave out --recompute")
    if config.sync_batch_norm and ranks.world > 1:
        synchronise(game, ranks.world)
    modality.to_memory_format(game)
    settings = loop_settings(
        config.adjusted_recipe,
        seed=config.seed,
        micro_batches=max(1, config.micro_batches),
        compiled="inductor" if config.compiled else None,
        autocast=PRECISIONS[config.precision],
    )
    return Loop(game, modality.source(data, device, config.recipe.conditional), settings, ranks=ranks)


def initial_loop(
    config: Config,
    data: Dataset,
    device: torch.device,
    networks: Mapping[str, nn.Module] = {},
    ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
) -> Loop:
    """The same at the start of a run: with the weights of `from_run`. Raises UserError if they don't fit."""
    loop = build_loop(config, data, device, networks, ranks)
    if config.from_run:
        load_weights_of(loop, Path(config.from_run))
    return loop
