"""Batches: each is drawn whole, then split by rank and micro-batch.

The examples and random inputs of a batch depend on the seed and the number of batches before it alone, so neither the
number of ranks nor that of micro-batches changes them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Game, Round, Sample, Turn, map_sample
from sparring.modalities.base import Source
from sparring.rng import LATENT, PLAY, EpochPermutation, generator, seed_ambient
from sparring.training.distributed.ranks import Ranks
from sparring.training.feed.prefetch import Prefetcher


@runtime_checkable
class TwoStageSource(Protocol):
    """A source that is read in two stages, the first of which may wait for a disk."""

    def rows(self, indices: Tensor) -> Any:
        """(n,) indices on the CPU → the argument of `from_rows`. Called ahead of time by several threads."""
        ...

    def from_rows(self, rows: Any) -> tuple[Sample, Tensor | None]:
        """The batch, as `Source` returns it."""
        ...


@dataclass
class MicroBatch:
    """A part of an open round, on this rank; `fake` is set on first use."""

    real: Sample
    condition: Tensor | None
    latent: dict[str, Tensor]
    fake: Sample | None = None

    def chunk(self, parts: int) -> list["MicroBatch"]:
        """Equal parts of the same examples, without their fakes."""
        example = self.real[0] if isinstance(self.real, tuple) else self.real
        size = len(example) // parts

        def part(i: int) -> MicroBatch:
            rows = slice(i * size, (i + 1) * size)
            return MicroBatch(
                map_sample(lambda x: x[rows], self.real),
                None if self.condition is None else self.condition[rows],
                {name: x[rows] for name, x in self.latent.items()},
            )

        return [part(i) for i in range(parts)]


class RoundStream:
    """Opens rounds: one batch after the other, with the random inputs of its turns.

    Args:
        batch: examples of a batch over all ranks.
        micro_batches: parts of this rank's share of a batch.
    """

    def __init__(self, game: Game, source: Source, batch: int, seed: int, micro_batches: int, ranks: Ranks):
        self.game, self.source, self.batch, self.seed = game, source, batch, seed
        self.micro_batches, self.ranks = micro_batches, ranks
        self.permutation = EpochPermutation(len(source), batch, seed)
        self.prefetcher = Prefetcher(source.rows, self._indices) if isinstance(source, TwoStageSource) else None
        self.opened = 0
        """Rounds opened so far; with the seed, it determines every random number."""

    def open(self, turns: Sequence[Turn], device: torch.device) -> list[MicroBatch]:
        """The next batch and the random inputs of these turns, as this rank's micro-batches."""
        self.micro_batch_size(turns)
        rank_rows = self._rank_rows
        real, condition = self._batch(device)
        example = real[0] if isinstance(real, tuple) else real
        g = generator(device, self.seed, LATENT, self.opened)
        draws = self.game.latents | {name: draw for turn in turns for name, draw in turn.draws.items()}
        latent = {name: draw(self.batch, tuple(example.shape[1:]), g)[rank_rows] for name, draw in draws.items()}
        seed_ambient(device, self.seed, PLAY, self.opened, self.ranks.rank)
        self.opened += 1
        with torch.no_grad():
            round = self.game.preprocess_round(Round(real, condition, latent))
        return MicroBatch(round.real, round.condition, latent).chunk(self.micro_batches)

    @property
    def _rank_rows(self) -> slice:
        """This rank's rows of a batch."""
        share = self.batch // self.ranks.world
        return slice(self.ranks.rank * share, (self.ranks.rank + 1) * share)

    def _indices(self, k: int) -> Tensor:
        """This rank's examples of batch k."""
        return self.permutation(k)[self._rank_rows]

    def _batch(self, device: torch.device) -> tuple[Sample, Tensor | None]:
        if self.prefetcher is not None and isinstance(self.source, TwoStageSource):
            return self.source.from_rows(self.prefetcher(self.opened))
        return self.source[self._indices(self.opened).to(device)]

    @property
    def waited(self) -> float:
        """Seconds for which the loop waited for data."""
        return 0.0 if self.prefetcher is None else self.prefetcher.waited

    def micro_batch_size(self, turns: Sequence[Turn]) -> int:
        """Examples in a micro-batch. Raises UserError for a split that would change the numbers."""
        parts = self.ranks.world * self.micro_batches
        size, rest = divmod(self.batch, parts)
        if rest:
            raise UserError(f"a batch of {self.batch} can't be split into {parts} equal micro-batches")
        for turn in turns:
            if size % turn.group_size:
                raise UserError(
                    f"turn '{turn.name}' takes examples in groups of {turn.group_size}, but a micro-batch holds "
                    f"{size}: choose a batch that is a multiple of {parts * turn.group_size}"
                )
            if turn.coupled and parts > 1:
                raise UserError(
                    f"the loss of turn '{turn.name}' couples the whole batch, so it can't be split into {parts} "
                    "micro-batches: use one micro-batch and one process"
                )
        return size

    def split_further(self, turns: Sequence[Turn]) -> int:
        """Splits the micro-batches of later rounds into as few parts as these turns allow; returns how many."""
        size = self.micro_batch_size(turns)
        coupled = any(turn.coupled for turn in turns)
        groups = 1 if coupled else size // math.lcm(*(turn.group_size for turn in turns))
        parts = next((k for k in range(2, groups + 1) if groups % k == 0), 1)
        self.micro_batches *= parts
        return parts
