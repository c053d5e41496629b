"""Communication between the processes of a run: averages, gathers, errors raised on all. One rank does not communicate.

Messages are tensors, and text as JSON: nothing is pickled.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from sparring.errors import LostProcess, SharedError, UserError, one_line

if dist.is_available():
    # Imported before there is a group: the default arguments of its functions keep the group of that moment alive, and
    # with it gloo's threads, which abort a process that ends before them.
    import_module("torch.distributed.nn.functional")

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    rank: int = 0
    world: int = 1
    patient: Any = None
    """A CPU group with a long time-out, for waiting on one rank's work; None: the default group."""

    @classmethod
    def here(cls) -> "Ranks":
        """The rank of this process in the default process group, if there is one."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which writes, scores and prints."""
        return self.rank == 0

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each tensor by its mean over the ranks, in one collective."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        with self._as_lost_process("averaging"):
            dist.all_reduce(flat)
        flat /= self.world
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def gather(self, tensor: Tensor) -> Tensor:
        """The ranks' slices (n, …) concatenated in order: (world · n, …)."""
        if self.world == 1:
            return tensor
        slices = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(self.world)]
        with self._as_lost_process("gathering"):
            dist.all_gather(slices, tensor.contiguous())
        return torch.cat(slices)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on some rank. Communicates on the CPU, so the GPU is not synchronised."""
        if self.world == 1:
            return flag
        flags = torch.tensor([int(flag)])
        with self._as_lost_process("agreeing whether to stop"):
            dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags)

    def gather_text(self, text: str) -> list[str]:
        """The texts of all ranks, in order. Waits as long as the patient group does."""
        if self.world == 1:
            return [text]
        content = torch.frombuffer(bytearray(text.encode() + b"\n"), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.long) for _ in range(self.world)]
        with self._as_lost_process("exchanging messages"):
            dist.all_gather(lengths, torch.tensor([len(content)]), group=self.patient)
            longest = int(torch.cat(lengths).max())
            padded = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.world)]
            dist.all_gather(padded, torch.nn.functional.pad(content, (0, longest - len(content))), group=self.patient)
        return [bytes(x[: int(n) - 1].tolist()).decode() for x, n in zip(padded, lengths, strict=True)]

    def on_every_rank(self, call: Callable[[], T]) -> T:
        """Runs `call`, which must not communicate, on every rank; a UserError of any rank is raised on all of them."""
        if self.world == 1:
            return call()
        answer, wrong = None, ""
        try:
            answer = call()
        except UserError as error:
            wrong = str(error)
        errors = self.gather_text(wrong)
        if any(errors):
            first = next(text for text in errors if text)
            where = f"process {errors.index(first)} of {self.world}: " if errors.index(first) else ""
            raise SharedError(where + first)
        return answer  # pyright: ignore[reportReturnType]

    def on_first_rank(self, call: Callable[[], T]) -> T:
        """Runs `call` on rank 0 while the others wait, and returns its result on every rank, sent as JSON."""
        if self.world == 1:
            return call()
        answer: list[T] = []
        self.on_every_rank(lambda: answer.append(call()) if self.leads else None)
        text = self.gather_text(json.dumps(answer[0]) if self.leads else "")[0]
        return answer[0] if self.leads else json.loads(text)

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Raises UserError on every rank unless these facts, as JSON, are the same on all."""
        mine, *others = (json.loads(text) for text in self.gather_text(json.dumps(facts, default=str)))
        for rank, theirs in enumerate(others, 1):
            for what in mine:
                if theirs.get(what) != mine[what]:
                    raise SharedError(
                        f"process {rank} has {_short(theirs.get(what))} for {what} where process 0 has "
                        f"{_short(mine[what])}: start all {self.world} with the same command, data and versions"
                    )

    def broadcast_(self, tensors: Sequence[Tensor]) -> None:
        """Copies rank 0's tensors into those of every rank."""
        if self.world == 1:
            return
        with self._as_lost_process("starting from the same state"):
            for tensor in tensors:
                whole = tensor.contiguous()
                dist.broadcast(whole, 0)
                tensor.copy_(whole)

    def broadcast_state(self, read: Callable[[], Mapping[str, Tensor]], device: torch.device) -> dict[str, Tensor]:
        """Named tensors that rank 0 reads, on every rank: the others need no access to its disk."""
        state: dict[str, Tensor] = {}

        def about() -> dict[str, Any]:
            state.update(read())
            return {name: [str(x.dtype).removeprefix("torch."), list(x.shape)] for name, x in state.items()}

        shapes = self.on_first_rank(about)
        if not self.leads:
            state = {name: torch.empty(s, dtype=getattr(torch, d), device=device) for name, (d, s) in shapes.items()}
        self.broadcast_(list(state.values()))
        return state

    @contextmanager
    def _as_lost_process(self, doing: str) -> Iterator[None]:
        """Raises LostProcess where a collective fails."""
        try:
            yield
        except RuntimeError as error:  # gloo has no error type of its own
            reason = one_line(str(error).splitlines()[0]).rpartition("] ")[2][:100]  # without its place in the source
            raise LostProcess(
                f"process {self.rank} of {self.world} lost the others while {doing} ({reason}): "
                "check what ended them, then continue from the last checkpoint with spar resume"
            ) from None


class OnRanks(Protocol):
    @property
    def ranks(self) -> Ranks: ...


S = TypeVar("S", bound=OnRanks)
P = ParamSpec("P")


def every_rank(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that runs on every rank of its object's `ranks`; see `Ranks.on_every_rank`."""

    @wraps(method)
    def agreed(self: S, *args: P.args, **named: P.kwargs) -> T:
        return self.ranks.on_every_rank(lambda: method(self, *args, **named))

    return agreed


def first_rank(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that runs on rank 0 of its object's `ranks` and returns its result, as JSON, on all."""

    @wraps(method)
    def agreed(self: S, *args: P.args, **named: P.kwargs) -> T:
        return self.ranks.on_first_rank(lambda: method(self, *args, **named))

    return agreed


def _short(value: Any) -> str:
    text = one_line(json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "…"
