"""Checks run one after the other in a process beside this one; when one hangs or brings the process down, that is what
it found, and the rest go on in another."""

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as ended

from sparring.doctor.check import BROKEN, Check
from sparring.errors import one_line

Checks = Mapping[str, tuple[Callable[[], Check], float]]
STARTING = 120.0
"""Seconds a process has to import torch."""


def run(checks: Callable[[], Checks], names: Sequence[str], limits: Mapping[str, float]) -> Iterator[tuple[str, Check]]:
    """Each name with what its check found, as it is found.

    Args:
        checks: gives the registry; called in the other process, so importable from its module.
        limits: seconds each may take.
    """
    spawn, left = multiprocessing.get_context("spawn"), list(names)
    while left:
        here, there = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_work, args=(checks, left, there), daemon=False)
        process.start()
        there.close()
        try:
            for name, check in _heard(here, list(left), limits):
                left.remove(name)
                yield name, check
        finally:
            _end(process)


def _heard(here: Connection, names: Sequence[str], limits: Mapping[str, float]) -> Iterator[tuple[str, Check]]:
    """What a process tells, until it is silent for too long or gone: then that is what the check at work found."""
    limit, waited = STARTING, "start"
    for name in [None, *names]:
        limit, waited = (STARTING, names[0]) if name is None else (limits[name], name)
        try:
            if not here.poll(limit):
                yield (
                    waited,
                    Check(
                        BROKEN,
                        f"no answer in {limit:g} s",
                        "run it alone with --only: it hangs, or others take the machine (see threads)",
                    ),
                )
                return
            said = json.loads(here.recv_bytes())
        except (EOFError, OSError):
            yield waited, Check(BROKEN, "its process died", "see the messages above: memory, drivers, a broken install")
            return
        if name is not None:
            yield name, Check(**said)


def _work(checks: Callable[[], Checks], names: Sequence[str], told: Connection) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own, which ends with all that a check has started
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr
    known = checks()
    told.send_bytes(b"{}")
    for name in names:
        try:
            found = known[name][0]()
        except Exception as error:  # whatever is wrong here is what is to be told
            found = Check(
                BROKEN, f"{type(error).__name__}: {one_line(error)[:160]}", "this may be our fault: report it"
            )
        told.send_bytes(json.dumps(asdict(found)).encode())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        ended([parent.sentinel])
        _kill(os.getpid())


def _end(process) -> None:
    _kill(process.pid)
    process.kill()  # it may not have had the time to begin a group
    process.join()


def _kill(pid: int) -> None:
    """The process, and whatever is in its group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
