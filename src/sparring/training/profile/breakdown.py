"""Where a round's time goes, and how near each part of it is to what this machine can do."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.training.loop.loop import Loop
from sparring.training.profile.clock import now
from sparring.training.profile.forecast import Kind, kinds
from sparring.training.profile.plan import make_plan
from sparring.training.profile.roofline import Roofline
from sparring.training.run.assemble import initial_loop
from sparring.training.run.config import Config

WARM = 2
LOOKUPS = (torch.ops.aten.index, torch.ops.aten.index_select, torch.ops.aten.gather, torch.ops.aten.embedding)
"""Operations that read no more of a tensor than they take."""
COMMON = ("data", "fakes", "optimisers", "average", "the rest")
"""Parts of every round; the others are turns."""


class SectionTimer:
    """What a growing number grew by in each part, without the parts inside it."""

    def __init__(self, read: Callable[[], float]):
        self.read = read
        self.grown: dict[str, float] = {}
        self._inner: list[float] = []

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = self.read()
        self._inner.append(0.0)
        try:
            yield
        finally:
            grown = self.read() - start
            self.grown[part] = self.grown.get(part, 0.0) + grown - self._inner.pop()
            if self._inner:
                self._inner[-1] += grown


class OpCounter(TorchDispatchMode):
    """What operations ask of a machine: floating-point operations of products and convolutions, and bytes read and
    written, each tensor once an operation, which is what memory moves where caches do not hold it."""

    def __init__(self):
        super().__init__()
        self.flops = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += count(*args, **kwargs, out_val=out)
        if not func.is_view:
            taken = (out, out) if func.overloadpacket in LOOKUPS else (args, kwargs, out)
            self.bytes += sum(x.nbytes for x in tree_leaves(taken) if isinstance(x, Tensor))
        return out


@dataclass(frozen=True)
class Section:
    """Of a round, on average."""

    seconds: float
    gflop: float
    gigabytes: float

    def __add__(self, other: "Section") -> "Section":
        return Section(self.seconds + other.seconds, self.gflop + other.gflop, self.gigabytes + other.gigabytes)

    def __mul__(self, share: float) -> "Section":
        return Section(self.seconds * share, self.gflop * share, self.gigabytes * share)

    def __sub__(self, other: "Section") -> "Section":
        return self + other * -1

    def floor(self, limits: Roofline) -> float:
        """Seconds that it would take if products ran at the machine's rate, or memory did, whichever takes longer."""
        return max(self.gflop / limits.gflops, self.gigabytes / limits.bandwidth)


NOTHING = Section(0, 0, 0)


def profile_config(config: Config, data: Dataset, judge: Judge, rounds: int) -> tuple[Config, dict[str, Section]]:
    """The configuration as this machine plays it, and the parts of its round by name, with what penalties cost and a
    round's share of the reports."""
    plan = make_plan(config, data, judge)
    config = plan.config
    parts = breakdown(_begun(config, data), rounds)
    if config.recipe.penalties:
        plain = breakdown(_begun(replace(config, recipe=replace(config.recipe, penalties=())), data), rounds)
        turns = [name for name in parts if name not in COMMON]
        bare = {name: plain[name] for name in turns if name in plain}  # a lazy turn is nothing but its penalties
        penalties = sum((parts.pop(name) for name in turns), NOTHING) - sum(bare.values(), NOTHING)
        parts |= bare | {"penalties": penalties}
    return config, parts | {"reports": Section(plan.reports * plan.scoring / config.rounds, 0, 0)}


def _begun(config: Config, data: Dataset) -> Loop:
    return initial_loop(config, data, torch.device(config.device))


def breakdown(loop: Loop, rounds: int = 10) -> dict[str, Section]:
    """By the name of the part, for a loop that is thrown away: data; fakes, made where no generator learns from them;
    each turn with its gradients; optimisers; the average; and what is left of the round."""
    parts: dict[str, Section] = {}
    for kind in kinds(loop):
        for name, part in _of_kind(loop, kind, kind.times(rounds)).items():
            parts[name] = parts.get(name, NOTHING) + part * kind.share
    return parts


def _of_kind(loop: Loop, kind: Kind, rounds: int) -> dict[str, Section]:
    """Of the rounds in which the same turns are played."""
    clock = SectionTimer(lambda: now(loop.device))
    for k in range(WARM + rounds):
        loop.profile_section = clock if k >= WARM else SectionTimer(time.perf_counter)
        with loop.profile_section("the rest"):
            kind.play(loop, k)
    with OpCounter() as counted:
        flops, moved = SectionTimer(lambda: counted.flops), SectionTimer(lambda: counted.bytes)
        loop.profile_section = lambda name: _both(flops(name), moved(name))
        with loop.profile_section("the rest"):
            for k in range(rounds):
                kind.play(loop, k)
    return {
        name: Section(seconds / rounds, flops.grown[name] / rounds / 1e9, moved.grown[name] / rounds / 1e9)
        for name, seconds in clock.grown.items()
    }


@contextmanager
def _both(a: AbstractContextManager[object], b: AbstractContextManager[object]) -> Iterator[None]:
    with a, b:
        yield
