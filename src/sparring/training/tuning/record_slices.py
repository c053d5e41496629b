"""A run whose memory was full goes on in smaller slices, and is resumed in them: they are part of its configuration."""

import sys
from dataclasses import replace
from pathlib import Path

from sparring.training.loop.loop import Loop
from sparring.training.run.config import Config


def record_micro_batches(config: Config, loop: Loop, folder: Path, fingerprint: str) -> Config:
    """The configuration with the slices the loop has come to: told, and kept for when the run is resumed, if memory
    has made them more."""
    slices, ranks = loop.stream.micro_batches, loop.ranks
    if slices == config.micro_batches:
        return config
    config = replace(config, micro_batches=slices)

    def keep() -> None:
        config.save(folder, fingerprint)
        print(f"memory is full after {loop.seen:,} images: going on with {describe_slices(loop)}", file=sys.stderr)

    ranks.on_first_rank(keep)
    return config


def describe_slices(loop: Loop) -> str:
    """What of a batch each process plays at once, for a person."""
    slices, share = loop.stream.micro_batches, loop.settings.batch // loop.ranks.world
    return f"{share // slices:,} of {share:,} examples at once (--micro-batches {slices})"
