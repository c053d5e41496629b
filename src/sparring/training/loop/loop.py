"""The training loop: plays the rounds of any game.

A round: the turns and their learning rates are set; a batch is drawn and split into micro-batches; for each turn the
losses are averaged, weighted and summed, gradients are averaged over ranks, the optimisers of the learning players
step, and `Turn.after` runs; finally the exponential moving average is updated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.game import Game, Parts, Sample, Turn, map_sample
from sparring.schedules import at
from sparring.training.distributed.ranks import Ranks
from sparring.training.loop.batches import MicroBatch, RoundStream, Source
from sparring.training.loop.compiled import CompiledGenerator, CompiledTurn
from sparring.training.loop.ema import EMA
from sparring.training.loop.gradients import LossWeight, add_gradients
from sparring.training.loop.optim import Adam, correction, optimiser_state, restore_optimiser
from sparring.training.loop.out_of_memory import OutOfMemoryRetry
from sparring.training.loop.settings import Settings


class Loop:
    """
    Args:
        game: on the device on which it is trained.
        source: indices → examples and their conditions.
        settings: batch size, optimisers, loss weights, precision.
        ranks: the processes that train together; by default those of `torch.distributed`.

    Raises:
        UserError: the batch cannot be split as the settings ask, or every player is frozen.
    """

    def __init__(self, game: Game, source: Source, settings: Settings, ranks: Ranks | None = None):
        self.game, self.settings = game.train(), settings
        self.device = next(game.parameters()).device
        self.ranks = ranks or Ranks.here()
        self.stream = RoundStream(game, source, settings.batch, settings.seed, settings.micro_batches, self.ranks)
        self.stream.micro_batch_size(game.turns(0))  # an impossible split is refused before the first round
        self.rounds = 0
        self.latest: MicroBatch | None = None
        """The first micro-batch of the last round, for health metrics; not part of the state."""
        self.profile_section: Callable[[str], AbstractContextManager[object]] = nullcontext
        """Entered with the name of each section of a round, for profilers."""
        self.add_gradients = add_gradients
        # Fixed before turns freeze and unfreeze players: parameters that the user froze never learn.
        players = game.players.items()
        self.learners = {name: [p for p in player.parameters() if p.requires_grad] for name, player in players}
        game.frozen = frozenset(name for name, p in game.players.named_parameters() if not p.requires_grad)
        self.adams = {name: settings.optimisers.get(name, Adam()) for name in self.learners}
        self.optimisers = {name: self.adams[name].build(ps) for name, ps in self.learners.items() if ps}
        if not self.optimisers:
            raise UserError(f"all of {', '.join(self.learners)} is frozen: nothing is left to learn")
        self.after_step_hooks = {
            name: [getattr(m, "after_step") for m in player.modules() if hasattr(m, "after_step")]  # noqa: B009
            for name, player in players
        }
        self.ema = EMA(game, settings.half_life, settings.ramp)
        self._out_of_memory_retry = OutOfMemoryRetry(game, self.ranks)
        self._generator = CompiledGenerator(game, settings.compiled, settings.autocast)
        self._compiled_turns: dict[str, CompiledTurn] = {}

    @property
    def seen(self) -> int:
        """Examples seen = rounds × batch, however many batches the turns of a round draw."""
        return self.rounds * self.settings.batch

    def round(self) -> dict[str, Tensor]:
        """Plays one round. Returns each loss term, "turn.term": its mean over this rank's examples."""
        turns = self._turns()
        for name, optimiser in self.optimisers.items():
            self.adams[name].adjust(optimiser, self.seen, correction(name, turns))
        means: dict[str, Tensor] = {}
        for group in self._groups(turns):
            with self.profile_section("data"):
                micro_batches = self.stream.open(group, self.device)
            with_graph = any(self._trains_generator(turn) for turn in group)
            for turn in group:
                with self.profile_section(turn.name):
                    means |= self._play(turn, micro_batches, with_graph)
            self.latest = micro_batches[0]
        if self.ranks.world > 1:
            self.ranks.average_([b for b in self.game.buffers() if b.is_floating_point()])
        self.rounds += 1
        with self.profile_section("average"):
            self.ema.update(self.seen, self.settings.batch)
        return means

    def _turns(self) -> list[Turn]:
        """The turns of this round, without those whose players are all frozen."""
        return [turn for turn in self.game.turns(self.seen) if any(self.learners[name] for name in turn.learns)]

    def _trains_generator(self, turn: Turn) -> bool:
        return not set(turn.learns).isdisjoint(self.game.generators)

    def _groups(self, turns: list[Turn]) -> Iterator[list[Turn]]:
        """The moves of this round in order, grouped by the batch that they share."""
        moves = [turn for turn in turns if self.rounds % turn.every == 0 for _ in range(turn.times)]
        cuts = [0, *(i for i, turn in enumerate(moves) if i and turn.resample), len(moves)]
        return (moves[start:end] for start, end in pairwise(cuts))

    def _play(self, turn: Turn, micro_batches: list[MicroBatch], with_graph: bool) -> Parts:
        """One move: gradients, the optimisers' steps, `Turn.after`. Returns the means of the loss terms."""
        results = self._out_of_memory_retry.run(
            lambda: self._accumulate(turn, micro_batches, with_graph), lambda: self._split_further(micro_batches)
        )
        for name in turn.learns:
            for p in self.learners[name]:  # eager and compiled turns alike: unused parameters have zero gradients
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self._step(turn)
        with torch.no_grad():
            turn.after({name: self.ranks.gather(torch.cat([n[name] for _, n in results])) for name in results[0][1]})
            return {
                f"{turn.name}.{name}": torch.stack([parts[name].detach().mean() for parts, _ in results]).mean()
                for name in results[0][0]
            }

    def _accumulate(self, turn: Turn, micro_batches: list[MicroBatch], with_graph: bool) -> list[tuple[Parts, Parts]]:
        """Sums the gradients of all micro-batches in `.grad`. Returns the loss terms and notes of each."""
        for name in turn.learns:
            for p in self.learners[name]:
                p.grad = None
        share_fake = with_graph and len(micro_batches) == 1  # several micro-batches: save memory, not time
        results = []
        for micro_batch in micro_batches:
            fake = self._fake(micro_batch, turn, share_fake) if turn.uses_fake else None
            self._set_trainable(turn.learns)
            inputs = (micro_batch.real, micro_batch.condition, micro_batch.latent, fake)
            share = 1 / len(micro_batches)
            results.append(self.add_gradients(self._compiled_turn(turn), inputs, self._loss_weight(turn), share))
            if not share_fake or self._trains_generator(turn):
                micro_batch.fake = None  # the generator is about to change, or memory is to be freed
        return results

    def _split_further(self, micro_batches: list[MicroBatch]) -> bool:
        """Splits the micro-batches of this and all later rounds; returns whether that was possible."""
        parts = self.stream.split_further(self._turns())
        micro_batches[:] = [part for micro_batch in micro_batches for part in micro_batch.chunk(parts)]
        return parts > 1

    def _compiled_turn(self, turn: Turn) -> CompiledTurn:
        """The turn as a module, built (and compiled) once."""
        if turn.name not in self._compiled_turns:
            self._compiled_turns[turn.name] = CompiledTurn(
                self.game, turn, self.settings.compiled, self.settings.autocast
            )
        return self._compiled_turns[turn.name]

    def _loss_weight(self, turn: Turn) -> LossWeight:
        """The current weight of each loss term; a lazy turn also counts for the rounds in which it is skipped."""
        return lambda term: at(self.settings.weights.get(term, 1.0), self.seen) * turn.every

    def _fake(self, micro_batch: MicroBatch, turn: Turn, share: bool) -> Sample:
        """The generated sample: with its graph if the generator learns in this turn; `share` reuses it across turns."""
        trains_generator, fake = self._trains_generator(turn), micro_batch.fake
        if fake is None:
            self._set_trainable(self.game.generators)
            with self.profile_section("fakes"), torch.set_grad_enabled(trains_generator or share):
                fake = self._generator.run(micro_batch.real, micro_batch.condition, micro_batch.latent)
                micro_batch.fake = fake
        return fake if trains_generator else map_sample(Tensor.detach, fake)

    def _set_trainable(self, players: Iterable[str]) -> None:
        """Gradients for these players, except for parameters that the user froze, and for no others."""
        for name, parameters in self.learners.items():
            for p in parameters:
                p.requires_grad_(name in players)

    @contextmanager
    def restoring_requires_grad(self) -> Iterator[None]:
        """On exit, everything that could learn before can learn again; turns freeze players meanwhile."""
        try:
            yield
        finally:
            self._set_trainable(self.learners)

    def _step(self, turn: Turn) -> None:
        learners = [p for name in turn.learns for p in self.learners[name]]
        self.ranks.average_([p.grad for p in learners if p.grad is not None])
        with self.profile_section("optimisers"):
            for name in turn.learns:
                if name in self.optimisers:  # a frozen player has none
                    self.optimisers[name].step()
                for hook in self.after_step_hooks[name]:
                    hook()

    def state(self) -> dict[str, Tensor]:
        """Everything that changes, as flat, named tensors; the rest is a function of the configuration."""
        tensors = {f"game.{name}": value for name, value in self.game.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in self.ema.players.state_dict().items()}
        for player, optimiser in self.optimisers.items():
            tensors |= {f"optimiser.{player}.{name}": value for name, value in optimiser_state(optimiser).items()}
        return tensors | {"counters": torch.tensor([self.rounds, self.stream.opened])}

    def broadcast(self) -> None:
        """Copies the state of rank 0 to all ranks."""
        self.ranks.broadcast_(list(self.state().values()))

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `state`."""
        self.game.load_state_dict(strip_prefix("game.", tensors))
        self.ema.players.load_state_dict(strip_prefix("ema.", tensors))
        for player, optimiser in self.optimisers.items():
            restore_optimiser(optimiser, strip_prefix(f"optimiser.{player}.", tensors))
        self.rounds, self.stream.opened = (int(n) for n in tensors["counters"])


def strip_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with the prefix, named without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
