"""Several processes on one game: averaged gradients, gathered records, shared errors. One process is the case of one
rank, for which nothing here communicates.

What goes between processes is tensors, and text as JSON: nothing is pickled.
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
    # Before there is a group: optimisers import it, and the defaults of its functions are the group of that moment. A
    # group that is held on to keeps gloo's threads, and a process that ends before they do is aborted.
    import_module("torch.distributed.nn.functional")

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    rank: int = 0
    world: int = 1
    patient: Any = None
    """A group on the CPU with a long time-out, for waits on one process's own work; None: the default group."""

    @classmethod
    def here(cls) -> "Ranks":
        """This process's place in the default process group, if there is one."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes, scores and speaks."""
        return self.rank == 0

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes its mean over the ranks, in place, in one collective."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        with self._heard("averaging"):
            dist.all_reduce(flat)
        flat /= self.world
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def gather(self, tensor: Tensor) -> Tensor:
        """The ranks' slices (n, …), put together in order: (world · n, …)."""
        if self.world == 1:
            return tensor
        slices = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(self.world)]
        with self._heard("gathering"):
            dist.all_gather(slices, tensor.contiguous())
        return torch.cat(slices)

    def any(self, flag: bool) -> bool:
        """Whether it holds on some rank. It goes over the CPU, so a GPU is not waited for."""
        if self.world == 1:
            return flag
        told = torch.tensor([int(flag)])
        with self._heard("asking whether to stop"):
            dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told)

    def gather_text(self, text: str) -> list[str]:
        """The texts of all ranks, in order. Waits for as long as the patient group does."""
        if self.world == 1:
            return [text]
        content = torch.frombuffer(bytearray(text.encode() + b"\n"), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.long) for _ in range(self.world)]
        with self._heard("talking"):
            dist.all_gather(lengths, torch.tensor([len(content)]), group=self.patient)
            longest = int(torch.cat(lengths).max())
            padded = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.world)]
            dist.all_gather(padded, torch.nn.functional.pad(content, (0, longest - len(content))), group=self.patient)
        return [bytes(x[: int(n) - 1].tolist()).decode() for x, n in zip(padded, lengths, strict=True)]

    def on_every_rank(self, call: Callable[[], T]) -> T:
        """`call` on every rank, which must not communicate in it; a UserError of any rank is raised on all of them."""
        if self.world == 1:
            return call()
        answer, wrong = None, ""
        try:
            answer = call()
        except UserError as error:
            wrong = str(error)
        said = self.gather_text(wrong)
        if any(said):
            first = next(text for text in said if text)
            where = f"process {said.index(first)} of {self.world}: " if said.index(first) else ""
            raise SharedError(where + first)
        return answer  # pyright: ignore[reportReturnType]

    def on_first_rank(self, call: Callable[[], T]) -> T:
        """What `call` gives on rank 0 (anything JSON can say), on every rank; the others wait for it meanwhile."""
        if self.world == 1:
            return call()
        answer: list[T] = []
        self.on_every_rank(lambda: answer.append(call()) if self.leads else None)
        said = self.gather_text(json.dumps(answer[0]) if self.leads else "")[0]
        return answer[0] if self.leads else json.loads(said)

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Raises UserError on every rank if one of these facts, in JSON, is another on another rank."""
        mine, *others = (json.loads(text) for text in self.gather_text(json.dumps(facts, default=str)))
        for rank, theirs in enumerate(others, 1):
            for what in mine:
                if theirs.get(what) != mine[what]:
                    raise SharedError(
                        f"process {rank} has {_short(theirs.get(what))} for {what} where process 0 has "
                        f"{_short(mine[what])}: start all {self.world} with the same command, data and versions"
                    )

    def broadcast_(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes rank 0's, in place."""
        if self.world == 1:
            return
        with self._heard("starting from the same state"):
            for tensor in tensors:
                whole = tensor.contiguous()
                dist.broadcast(whole, 0)
                tensor.copy_(whole)

    def broadcast_state(self, read: Callable[[], Mapping[str, Tensor]], device: torch.device) -> dict[str, Tensor]:
        """The named tensors rank 0 reads, on every rank: only rank 0's disk need hold them."""
        held: dict[str, Tensor] = {}

        def about() -> dict[str, Any]:
            held.update(read())
            return {name: [str(x.dtype).removeprefix("torch."), list(x.shape)] for name, x in held.items()}

        shapes = self.on_first_rank(about)
        if not self.leads:
            held = {name: torch.empty(s, dtype=getattr(torch, d), device=device) for name, (d, s) in shapes.items()}
        self.broadcast_(list(held.values()))
        return held

    @contextmanager
    def _heard(self, doing: str) -> Iterator[None]:
        """Says in one line that the other processes, or the network to them, are gone."""
        try:
            yield
        except RuntimeError as error:  # gloo has no kind of its own for it
            reason = one_line(str(error).splitlines()[0]).rpartition("] ")[2][:100]  # behind its place in the source
            raise LostProcess(
                f"process {self.rank} of {self.world} lost the others while {doing} ({reason}): "
                "see what became of them, then go on from the last checkpoint with spar resume"
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
