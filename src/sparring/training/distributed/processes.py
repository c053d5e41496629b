"""The process group of a run, from torchrun's environment variables (RANK, WORLD_SIZE, MASTER_ADDR …).

Gloo communicates tensors on the CPU, NCCL those on GPUs.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, Store, TCPStore  # pyright: ignore[reportPrivateImportUsage]

from sparring.errors import LostProcess, UserError, one_line
from sparring.errors.bounds import check_bounds
from sparring.training.distributed.ranks import Ranks

TIMEOUT = 300.0
"""Seconds that a collective waits for the other processes."""
PATIENCE = timedelta(hours=2)
"""The same, while rank 0 loads data, scores or writes."""
COURTESY = 5.0
"""Seconds that rank 0 keeps its store open after an error, for the others to read it."""


@contextmanager
def process_group(timeout: float = TIMEOUT) -> Iterator[Ranks]:
    """The ranks of the processes that torchrun started; one rank without torchrun.

    Raises:
        UserError: an incomplete environment, or a WORLD_SIZE that differs from another process's.
        LostProcess: another process did not join in time.
    """
    if dist.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks.here()
        return
    check_bounds(timeout=timeout)
    rank, world, wait = _number("RANK"), _number("WORLD_SIZE"), timedelta(seconds=timeout)
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(_number("LOCAL_RANK") % torch.cuda.device_count())
    try:
        store = _store(rank, wait)
        _same_world(store, rank, world)
        backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=wait)
        patient = dist.new_group(backend="gloo", timeout=PATIENCE)
    except RuntimeError as error:
        reason = one_line(str(error).splitlines()[0])[:120]
        raise LostProcess(
            f"process {rank} of {world} did not find the others within {timeout:g} s ({reason}): "
            "check that all were started, with one MASTER_ADDR and MASTER_PORT"
        ) from None
    try:
        yield Ranks(rank, world, patient)
    finally:
        dist.destroy_process_group()


def _number(name: str) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError):
        raise UserError(f"WORLD_SIZE is set, but {name} is no number: start processes with torchrun") from None


def _store(rank: int, wait: timedelta) -> Store:
    """The key-value store of the processes: torchrun's own, or one of rank 0."""
    host = os.environ.get("MASTER_ADDR")
    if not host:
        raise UserError("WORLD_SIZE is set, but MASTER_ADDR is not: start processes with torchrun")
    torchruns = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    holds = rank == 0 and not torchruns
    store = TCPStore(host, _number("MASTER_PORT"), is_master=holds, timeout=wait, wait_for_workers=False)
    return PrefixStore(f"sparring/{restarts()}", store)


def restarts() -> int:
    """How often torchrun restarted these processes."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _same_world(store: Store, rank: int, world: int) -> None:
    """Raises UserError unless WORLD_SIZE is the same in every process: else they would wait for each other for ever."""
    store.set(f"world/{rank}", str(world))
    sizes = [int(store.get(f"world/{other}")) for other in (range(world) if rank == 0 else (0,))]
    store.add("read", 1)
    if wrong := [n for n in sizes if n != world]:
        limit = time.monotonic() + COURTESY
        while rank == 0 and store.add("read", 0) < world and time.monotonic() < limit:
            time.sleep(0.05)
        raise UserError(
            f"process {rank} was started as one of {world}, and another as one of {wrong[0]}: "
            "give every launcher the same numbers of nodes and processes"
        )
