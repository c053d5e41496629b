"""The loop: it plays any game, and knows of none.

A round, in order: turns are asked for and rates set; a batch is drawn and sliced; each turn's losses are averaged,
weighed and summed; gradients averaged over ranks; its learners' optimisers move; its `after` runs; at the end the
players to keep are averaged.
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
    add_gradients = staticmethod(add_gradients)

    def __init__(
        self,
        game: Game,
        source: Source,
        settings: Settings,
        ranks: Ranks | None = None,
    ):
        self.game, self.settings = game.train(), settings
        self.device = next(game.parameters()).device
        self.ranks = ranks or Ranks.here()
        self.stream = RoundStream(game, source, settings.batch, settings.seed, settings.micro_batches, self.ranks)
        self.stream.slice_size(game.turns(0))  # refuses an impossible slicing before anything is played
        self.rounds = 0
        self.latest: MicroBatch | None = None
        """Of the round last played, for those who look; it is not part of the state."""
        self.profile_section: Callable[[str], AbstractContextManager[object]] = nullcontext
        """Told, by name, of each part of a round while it is played, for those who measure."""
        # What the user froze stays frozen: only these ever learn.
        self.learners = {name: [p for p in player.parameters() if p.requires_grad] for name, player in self._players()}
        game.frozen = frozenset(name for name, p in game.players.named_parameters() if not p.requires_grad)
        self.adams = {name: settings.optimisers.get(name, Adam()) for name in self.learners}
        self.optimisers = {name: self.adams[name].build(ps) for name, ps in self.learners.items() if ps}
        if not self.optimisers:
            raise UserError(f"all of {', '.join(self.learners)} is frozen: nothing is left to learn")
        self.after_step_hooks = {
            name: [getattr(m, "after_step") for m in player.modules() if hasattr(m, "after_step")]  # noqa: B009
            for name, player in self._players()
        }
        self.ema = EMA(game, settings.half_life, settings.ramp)
        self._room = OutOfMemoryRetry(game, self.ranks)
        self._generate = CompiledGenerator(game, settings.compiled, settings.autocast)
        self._plays: dict[str, CompiledTurn] = {}

    def _players(self):
        return self.game.players.items()

    @property
    def seen(self) -> int:
        """Images seen = rounds × batch, whatever the turns draw."""
        return self.rounds * self.settings.batch

    def round(self) -> dict[str, Tensor]:
        """Plays one round. Returns every loss part by "turn.part": the mean over this rank's slices, on the device."""
        turns = self._turns()
        for name, optimiser in self.optimisers.items():
            self.adams[name].adjust(optimiser, self.seen, correction(name, turns))
        means: dict[str, Tensor] = {}
        for together in self._grouped(turns):
            with self.profile_section("data"):
                slices = self.stream.open(together, self.device)
            shared = any(self._makes(turn) for turn in together)
            for turn in together:
                with self.profile_section(turn.name):
                    means |= self._move(turn, slices, shared)
            self.latest = slices[0]
        if self.ranks.world > 1:
            self.ranks.average_([b for b in self.game.buffers() if b.is_floating_point()])
        self.rounds += 1
        with self.profile_section("average"):
            self.ema.update(self.seen, self.settings.batch)
        return means

    def _turns(self) -> list[Turn]:
        """Those of this round in which somebody learns: players that the user froze whole have no moves."""
        return [turn for turn in self.game.turns(self.seen) if any(self.learners[name] for name in turn.learns)]

    def _makes(self, turn: Turn) -> bool:
        return not set(turn.learns).isdisjoint(self.game.generators)

    def _grouped(self, turns: list[Turn]) -> Iterator[list[Turn]]:
        """This round's moves in order, cut before each that opens a new round."""
        moves = [turn for turn in turns if self.rounds % turn.every == 0 for _ in range(turn.times)]
        cuts = [0, *(i for i, turn in enumerate(moves) if i and turn.resample), len(moves)]
        return (moves[start:end] for start, end in pairwise(cuts))

    def _move(self, turn: Turn, slices: list[MicroBatch], shared: bool) -> Parts:
        """Gradients over all slices, the learners' step, the turn's `after`."""
        learners = [p for name in turn.learns for p in self.learners[name]]
        outcomes = self._room.run(lambda: self._add(turn, slices, shared), lambda: self._cut(slices))
        for p in learners:  # what a loss does not reach has a zero gradient, however the loss was differentiated
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self._step(turn)
        with torch.no_grad():
            turn.after({name: self.ranks.gather(torch.cat([n[name] for _, n in outcomes])) for name in outcomes[0][1]})
            return {
                f"{turn.name}.{name}": torch.stack([parts[name].detach().mean() for parts, _ in outcomes]).mean()
                for name in outcomes[0][0]
            }

    def _add(self, turn: Turn, slices: list[MicroBatch], shared: bool) -> list[tuple[Parts, Parts]]:
        """Every slice's gradients, added up in the learners' `.grad`. Returns each one's parts and notes."""
        learners = [p for name in turn.learns for p in self.learners[name]]
        for p in learners:
            p.grad = None
        shared &= len(slices) == 1  # more of them are there to save memory
        outcomes = []
        for piece in slices:
            fake = self._fake(piece, turn, shared) if turn.uses_fake else None
            self._set_trainable(turn.learns)
            inputs = (piece.real, piece.condition, piece.latent, fake)
            outcomes.append(self.add_gradients(self._play(turn), inputs, self._weigh(turn), 1 / len(slices)))
            if not shared or self._makes(turn):
                piece.fake = None  # its maker is about to move; or slices are there to save memory
        return outcomes

    def _cut(self, slices: list[MicroBatch]) -> bool:
        """Makes this round's slices smaller, and those of all rounds to come; tells whether they can be."""
        parts = self.stream.finer(self._turns())
        slices[:] = [part for piece in slices for part in piece.chunk(parts)]
        return parts > 1

    def _play(self, turn: Turn) -> CompiledTurn:
        """The turn as a module, made (and compiled) once."""
        if turn.name not in self._plays:
            self._plays[turn.name] = CompiledTurn(self.game, turn, self.settings.compiled, self.settings.autocast)
        return self._plays[turn.name]

    def _weigh(self, turn: Turn) -> LossWeight:
        """The weight of each part now; a lazy turn stands for the rounds it sat out."""
        return lambda part: at(self.settings.weights.get(part, 1.0), self.seen) * turn.every

    def _fake(self, piece: MicroBatch, turn: Turn, shared: bool) -> Sample:
        """The slice's fake, made once for all turns of the round when they share it; with its graph for its makers."""
        makes, fake = self._makes(turn), piece.fake
        if fake is None:
            self._set_trainable(self.game.generators)
            with self.profile_section("fakes"), torch.set_grad_enabled(makes or shared):
                fake = piece.fake = self._generate.run(piece.real, piece.condition, piece.latent)
        return fake if makes else map_sample(Tensor.detach, fake)

    def _set_trainable(self, players: Iterable[str]) -> None:
        """Lets these players learn, as far as the user does, and holds every other still."""
        for name, parameters in self.learners.items():
            for p in parameters:
                p.requires_grad_(name in players)

    @contextmanager
    def restoring_requires_grad(self) -> Iterator[None]:
        """Turns hold players still meanwhile; afterwards all that could learn can, for the next loop to find it so."""
        try:
            yield
        finally:
            self._set_trainable(self.learners)

    def _step(self, turn: Turn) -> None:
        learners = [p for name in turn.learns for p in self.learners[name]]
        self.ranks.average_([p.grad for p in learners if p.grad is not None])
        with self.profile_section("optimisers"):
            for name in turn.learns:
                if name in self.optimisers:  # a player the user froze whole has none
                    self.optimisers[name].step()
                for after_step in self.after_step_hooks[name]:
                    after_step()

    def state(self) -> dict[str, Tensor]:
        """Everything that changes, as flat, named tensors; the rest is a function of the configuration."""
        tensors = {f"game.{name}": value for name, value in self.game.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in self.ema.players.state_dict().items()}
        for player, optimiser in self.optimisers.items():
            tensors |= {f"optimiser.{player}.{name}": value for name, value in optimiser_state(optimiser).items()}
        return tensors | {"counters": torch.tensor([self.rounds, self.stream.opened])}

    def broadcast(self) -> None:
        """Every rank starts from rank 0's state, wherever its own came from."""
        self.ranks.broadcast_(list(self.state().values()))

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `state`."""
        self.game.load_state_dict(strip_prefix("game.", tensors))
        self.ema.players.load_state_dict(strip_prefix("ema.", tensors))
        for player, optimiser in self.optimisers.items():
            restore_optimiser(optimiser, strip_prefix(f"optimiser.{player}.", tensors))
        self.rounds, self.stream.opened = (int(n) for n in tensors["counters"])


def strip_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
