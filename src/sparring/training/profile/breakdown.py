"""Breakdown of a round's time, floating-point operations and memory traffic by section."""

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
from sparring.training.config.config import Config
from sparring.training.loop.loop import Loop
from sparring.training.profile.forecast import forecast_run
from sparring.training.profile.roofline import Roofline
from sparring.training.run.assemble import initial_loop
from sparring.training.tuning.round_time import RoundKind, round_kinds, synchronised_time

WARM = 2
LOOKUPS = (torch.ops.aten.index, torch.ops.aten.index_select, torch.ops.aten.gather, torch.ops.aten.embedding)
"""Operations that read only the selected part of their input."""
SHARED_SECTIONS = ("data", "fakes", "optimisers", "average", "the rest")
"""Sections of every round; the others are turns."""


class SectionTimer:
    """Increase of a counter in each named section, without nested sections."""

    def __init__(self, read: Callable[[], float]):
        self.read = read
        self.increase: dict[str, float] = {}
        self._inner: list[float] = []

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = self.read()
        self._inner.append(0.0)
        try:
            yield
        finally:
            increase = self.read() - start
            self.increase[part] = self.increase.get(part, 0.0) + increase - self._inner.pop()
            if self._inner:
                self._inner[-1] += increase


class OpCounter(TorchDispatchMode):
    """Counts floating-point operations of matrix products and convolutions, and bytes read and written: each tensor
    once per operation, which is the memory traffic if nothing is cached."""

    def __init__(self):
        super().__init__()
        self.flops = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += count(*args, **kwargs, out_val=out)
        if not func.is_view:
            tensors = (out, out) if func.overloadpacket in LOOKUPS else (args, kwargs, out)
            self.bytes += sum(x.nbytes for x in tree_leaves(tensors) if isinstance(x, Tensor))
        return out


@dataclass(frozen=True)
class Section:
    """Average of one round."""

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
        """Seconds at the machine's peak rate of operations or of memory, whichever takes longer."""
        return max(self.gflop / limits.gflops, self.gigabytes / limits.bandwidth)


NOTHING = Section(0, 0, 0)


def profile_config(config: Config, data: Dataset, judge: Judge, rounds: int) -> tuple[Config, dict[str, Section]]:
    """The configuration with machine settings resolved, and the sections of its round by name. "penalties" is the
    difference from a round without them, "reports" the time of all reports divided by the number of rounds."""
    forecast = forecast_run(config, data, judge)
    config = forecast.config

    def new_loop(config: Config) -> Loop:
        return initial_loop(config, data, torch.device(config.device))

    parts = breakdown(new_loop(config), rounds)
    if config.recipe.penalties:
        plain = breakdown(new_loop(replace(config, recipe=config.recipe.with_options(penalties=()))), rounds)
        turns = [name for name in parts if name not in SHARED_SECTIONS]
        bare = {name: plain[name] for name in turns if name in plain}  # a lazy turn has only penalties
        penalties = sum((parts.pop(name) for name in turns), NOTHING) - sum(bare.values(), NOTHING)
        parts |= bare | {"penalties": penalties}
    return config, parts | {"reports": Section(forecast.reports * forecast.scoring / config.rounds, 0, 0)}


def breakdown(loop: Loop, rounds: int = 10) -> dict[str, Section]:
    """Sections of a round by name: data; fakes generated without gradients; each turn with its gradients; optimisers;
    the average; and the rest. Trains the loop: pass a disposable one."""
    parts: dict[str, Section] = {}
    for kind in round_kinds(loop):
        for name, part in _of_kind(loop, kind, kind.count(rounds)).items():
            parts[name] = parts.get(name, NOTHING) + part * kind.share
    return parts


def _of_kind(loop: Loop, kind: RoundKind, rounds: int) -> dict[str, Section]:
    clock = SectionTimer(lambda: synchronised_time(loop.device))
    for k in range(WARM + rounds):
        loop.profile_section = clock if k >= WARM else SectionTimer(time.perf_counter)
        with loop.profile_section("the rest"):
            kind.play(loop, k)
    with OpCounter() as counter:
        flops, moved = SectionTimer(lambda: counter.flops), SectionTimer(lambda: counter.bytes)
        loop.profile_section = lambda name: _both(flops(name), moved(name))
        with loop.profile_section("the rest"):
            for k in range(rounds):
                kind.play(loop, k)
    return {
        name: Section(seconds / rounds, flops.increase[name] / rounds / 1e9, moved.increase[name] / rounds / 1e9)
        for name, seconds in clock.increase.items()
    }


@contextmanager
def _both(a: AbstractContextManager[object], b: AbstractContextManager[object]) -> Iterator[None]:
    with a, b:
        yield
