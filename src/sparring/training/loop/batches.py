"""Opening a round: a batch and its random inputs are drawn for the whole of it, then sliced by rank and micro-batch,
so that neither changes the numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Game, Round, Sample, Turn, map_sample
from sparring.rng import LATENT, PLAY, EpochPermutation, generator, seed_ambient
from sparring.training.distributed.ranks import Ranks
from sparring.training.feed.prefetch import Prefetcher


class Source(Protocol):
    """Training data, on the training device."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Tensor) -> tuple[Sample, Tensor | None]:
        """(n,) indices → real (n, …) in the networks' range, and what comes with it, (n, …)."""
        ...


@runtime_checkable
class TwoStageSource(Protocol):
    """A source that is read in two steps, the first of which may wait for a disk."""

    def rows(self, indices: Tensor) -> Any:
        """(n,) indices on the CPU → what `given` takes. Called by several threads, before it is needed."""
        ...

    def from_rows(self, rows: Any) -> tuple[Sample, Tensor | None]:
        """The batch, as `Source` gives it."""
        ...


@dataclass
class MicroBatch:
    """A micro-batch of an open round, on this rank; the fake is made on first use."""

    real: Sample
    condition: Tensor | None
    latent: dict[str, Tensor]
    fake: Sample | None = None

    def chunk(self, parts: int) -> list["MicroBatch"]:
        """The same examples as so many smaller slices, of one size; their fakes are still to be made."""
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
    def __init__(self, game: Game, source: Source, batch: int, seed: int, micro_batches: int, ranks: Ranks):
        self.game, self.source, self.batch, self.seed = game, source, batch, seed
        self.micro_batches, self.ranks = micro_batches, ranks
        self.order = EpochPermutation(len(source), batch, seed)
        self.ahead = Prefetcher(source.rows, self._indices) if isinstance(source, TwoStageSource) else None
        self.opened = 0
        """Rounds opened so far; with the seed, it determines every draw."""

    def open(self, turns: Sequence[Turn], device: torch.device) -> list[MicroBatch]:
        self.slice_size(turns)
        here = self.here
        real, given = self._batch(device)
        example = real[0] if isinstance(real, tuple) else real
        g = generator(device, self.seed, LATENT, self.opened)
        draws = self.game.latents | {name: draw for turn in turns for name, draw in turn.draws.items()}
        latent = {name: draw(self.batch, tuple(example.shape[1:]), g)[here] for name, draw in draws.items()}
        seed_ambient(device, self.seed, PLAY, self.opened, self.ranks.rank)
        self.opened += 1
        with torch.no_grad():
            round = self.game.preprocess_round(Round(real, given, latent))
        return MicroBatch(round.real, round.condition, latent).chunk(self.micro_batches)

    @property
    def here(self) -> slice:
        """This rank's part of a batch."""
        share = self.batch // self.ranks.world
        return slice(self.ranks.rank * share, (self.ranks.rank + 1) * share)

    def _indices(self, k: int) -> Tensor:
        """This rank's examples of batch k."""
        return self.order(k)[self.here]

    def _batch(self, device: torch.device) -> tuple[Sample, Tensor | None]:
        if self.ahead is not None and isinstance(self.source, TwoStageSource):
            return self.source.from_rows(self.ahead(self.opened))
        return self.source[self._indices(self.opened).to(device)]

    @property
    def waited(self) -> float:
        """Seconds the loop stood still for data."""
        return 0.0 if self.ahead is None else self.ahead.waited

    def slice_size(self, turns: Sequence[Turn]) -> int:
        """Examples in a slice; refuses a slicing that would change the numbers."""
        slices = self.ranks.world * self.micro_batches
        size, rest = divmod(self.batch, slices)
        if rest:
            raise UserError(f"a batch of {self.batch} can't be cut into {slices} equal slices")
        for turn in turns:
            if size % turn.group_size:
                raise UserError(
                    f"turn '{turn.name}' takes examples in groups of {turn.group_size}, but a slice holds {size}: "
                    f"choose a batch that is a multiple of {slices * turn.group_size}"
                )
            if turn.coupled and slices > 1:
                raise UserError(
                    f"turn '{turn.name}' couples the whole batch, so it can't be cut into {slices} slices: "
                    "use one micro-batch and one process"
                )
        return size

    def finer(self, turns: Sequence[Turn]) -> int:
        """Cuts the slices of rounds to come into as few parts as these turns allow; returns how many, 1 if none do."""
        size = self.slice_size(turns)
        groups = 1 if any(turn.coupled for turn in turns) else size // math.lcm(*(turn.group_size for turn in turns))
        parts = next((k for k in range(2, groups + 1) if groups % k == 0), 1)
        self.micro_batches *= parts
        return parts
