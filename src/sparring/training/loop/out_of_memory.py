"""Memory that runs out in the middle of a turn. Nothing has moved by then but what forward passes move, so the turn is
played once more from where it began, in smaller slices."""

from collections.abc import Callable
from typing import TypeVar

import torch

from sparring.errors.machine import out_of_memory
from sparring.game import Game
from sparring.training.distributed.ranks import Ranks
from sparring.training.distributed.sync_batch_norm import SynchronisedNorm

T = TypeVar("T")


class OutOfMemoryRetry:
    """
    Args:
        game: whose players' buffers are put back: running statistics, and what else forward passes move.
        ranks: which take smaller slices together, whichever of them has no room.
    """

    def __init__(self, game: Game, ranks: Ranks):
        self.ranks = ranks
        self._buffers = list(game.players.buffers())
        self._before = [buffer.clone() for buffer in self._buffers]
        # The others would wait in the middle of a pass for one that has given it up.
        self._together = any(isinstance(module, SynchronisedNorm) for module in game.modules())

    def run(self, attempt: Callable[[], T], cut: Callable[[], bool]) -> T:
        """What the attempt gives; where memory is full, that of another one, after `cut` has made slices smaller.

        Raises RuntimeError, with what memory was said to be full of, when they can't be.
        """
        _copy(self._before, self._buffers)
        while True:
            answer, full = self._attempt(attempt)
            if not self.ranks.any(bool(full)):
                assert answer is not None
                return answer
            _copy(self._buffers, self._before)
            if not cut():
                raise RuntimeError(f"slices can't be made smaller; {full or 'not enough memory in another process'}")
            if torch.cuda.is_available():
                torch.cuda.empty_cache()  # what was kept for the old sizes is in the way of the new

    def _attempt(self, attempt: Callable[[], T]) -> tuple[T | None, str]:
        """The answer, or what memory was full of. Not the error itself: its frames hold on to what did not fit."""
        try:
            return attempt(), ""
        except (MemoryError, RuntimeError) as error:
            if self._together or not out_of_memory(error):
                raise
            return None, str(error) or "not enough memory"


def _copy(to: list[torch.Tensor], these: list[torch.Tensor]) -> None:
    if to:
        with torch.no_grad():
            copy = torch._foreach_copy_  # pyright: ignore[reportPrivateImportUsage]
            copy(to, these)  # one kernel for all of them, for it is done in every turn
