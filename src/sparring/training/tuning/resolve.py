"""What stays open until the machine is known: the number format it plays quicker in, the largest slices of a batch that
fit in memory, found by playing rounds in them, and the layers it computes quicker as products."""

import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from sparring.data import Dataset
from sparring.training.distributed.ranks import Ranks
from sparring.training.loop.loop import Loop
from sparring.training.run.assemble import initial_loop
from sparring.training.run.config import Config
from sparring.training.tuning.conv_autotune import LONG, autotune
from sparring.training.tuning.precision_autotune import select_precision
from sparring.training.tuning.record_slices import describe_slices


def resolve_machine_settings(
    config: Config,
    data: Dataset,
    networks: Mapping[str, nn.Module] = {},
    ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
) -> Config:
    """The configuration with what it leaves open: its number format ("auto"), and as few slices as memory allows
    (`micro_batches` 0), told on standard error; and with the products that are worth measuring in a run so long. Every
    rank takes the same.

    Raises RuntimeError, as memory did, where the smallest slices do not fit.
    """
    if config.precision == "auto":
        config = replace(config, precision=ranks.on_first_rank(lambda: _format(config, data, networks)))
    measures = config.rounds >= LONG and config.device == "cpu" and not (config.compiled or networks)
    if config.micro_batches and not measures:
        return config
    loop = initial_loop(config, data, torch.device(config.device), deepcopy(dict(networks)), ranks)
    if not config.micro_batches:
        for _ in range(2):  # once more, beside what optimisers hold after the first
            loop.rounds = 0  # in which every turn is played
            loop.round()
        if ranks.leads:
            print(f"memory holds {describe_slices(loop)}", file=sys.stderr)
    found = autotune(loop) if measures else ()
    return replace(config, micro_batches=loop.stream.micro_batches, products=tuple(ranks.on_first_rank(lambda: found)))


def _format(config: Config, data: Dataset, networks: Mapping[str, nn.Module]) -> str:
    """Of a run that is long enough, the quicker one."""
    if config.rounds < LONG:
        return "fp32"
    device = torch.device(config.device)

    def loop(name: str) -> Loop:
        return initial_loop(replace(config, precision=name), data, device, deepcopy(dict(networks)))

    return select_precision(config.played.with_layout(data.layout), data.shape, device, loop)
