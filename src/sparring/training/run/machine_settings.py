"""Settings of a run that depend on the machine: number format, micro-batches, and choices by timing."""

import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from sparring.data import Dataset
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks
from sparring.training.loop.loop import Loop
from sparring.training.run.assemble import initial_loop
from sparring.training.tuning.machine import MIN_ROUNDS, MachineChoices, faster_precision, measure_choices


def resolve_machine_settings(
    config: Config,
    data: Dataset,
    networks: Mapping[str, nn.Module] = {},
    ranks: Ranks = Ranks(),  # noqa: B008  it is frozen
) -> Config:
    """The configuration without open settings: `precision` "auto" and `micro_batches` 0 (as few as memory allows) are
    decided, and so is `machine` for a run of `MIN_ROUNDS` rounds or more. All ranks use rank 0's choices.

    Raises RuntimeError where the smallest micro-batches do not fit in memory.
    """
    if config.precision == "auto":
        config = replace(config, precision=ranks.on_first_rank(lambda: _precision(config, data, networks)))
    measures = config.rounds >= MIN_ROUNDS and config.device == "cpu" and not (config.compiled or networks)
    if config.micro_batches and not measures:
        return config
    loop = initial_loop(config, data, torch.device(config.device), deepcopy(dict(networks)), ranks)
    if not config.micro_batches:
        for _ in range(2):  # the second with the optimisers' moments in memory
            loop.rounds = 0  # a round of all turns
            loop.round()
        if ranks.leads:
            print(f"memory holds {_describe_micro_batches(loop)}", file=sys.stderr)
    lowered = measure_choices(loop).lowered_convs if measures else ()
    machine = MachineChoices(tuple(ranks.on_first_rank(lambda: lowered)))
    return replace(config, micro_batches=loop.stream.micro_batches, machine=machine)


def _precision(config: Config, data: Dataset, networks: Mapping[str, nn.Module]) -> str:
    """The faster number format of a long run; fp32 for a short one."""
    if config.rounds < MIN_ROUNDS:
        return "fp32"
    device = torch.device(config.device)

    def new_loop(precision: str) -> Loop:
        return initial_loop(replace(config, precision=precision), data, device, deepcopy(dict(networks)))

    return faster_precision(config.adjusted_recipe.with_layout(data.layout), data.shape, device, new_loop)


def record_micro_batches(config: Config, loop: Loop, folder: Path, fingerprint: str) -> Config:
    """The configuration with the loop's number of micro-batches; written to `folder` if full memory has changed it."""
    count, ranks = loop.stream.micro_batches, loop.ranks
    if count == config.micro_batches:
        return config
    config = replace(config, micro_batches=count)

    def save() -> None:
        config.save(folder, fingerprint)
        description = _describe_micro_batches(loop)
        print(f"memory is full after {loop.seen:,} examples: going on with {description}", file=sys.stderr)

    ranks.on_first_rank(save)
    return config


def _describe_micro_batches(loop: Loop) -> str:
    count, share = loop.stream.micro_batches, loop.settings.batch // loop.ranks.world
    return f"{share // count:,} of {share:,} examples at once (--micro-batches {count})"
