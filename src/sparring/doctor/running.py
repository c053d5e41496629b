"""Runs checks one after the other in a child process.

If a check hangs or crashes the process, it is reported as broken, and the rest run in a new process.
"""

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
"""Seconds in which a process must have imported torch."""


def run(checks: Callable[[], Checks], names: Sequence[str], limits: Mapping[str, float]) -> Iterator[tuple[str, Check]]:
    """Yields each name with the result of its check, as soon as there is one.

    Args:
        checks: returns the registry; called in the child process, so it must be importable.
        limits: seconds each check may take.
    """
    spawn, left = multiprocessing.get_context("spawn"), list(names)
    while left:
        here, there = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_work, args=(checks, left, there), daemon=False)
        process.start()
        there.close()
        try:
            for name, check in _results(here, list(left), limits):
                left.remove(name)
                yield name, check
        finally:
            _end(process)


def _results(here: Connection, names: Sequence[str], limits: Mapping[str, float]) -> Iterator[tuple[str, Check]]:
    """Results from the child process; the last one is broken if the process is silent for too long or has died."""
    limit, current = STARTING, "start"
    for name in [None, *names]:
        limit, current = (STARTING, names[0]) if name is None else (limits[name], name)
        try:
            if not here.poll(limit):
                advice = "run it alone with --only: it hangs, or other programs use the machine (see threads)"
                yield current, Check(BROKEN, f"no answer in {limit:g} s", advice)
                return
            result = json.loads(here.recv_bytes())
        except (EOFError, OSError):
            advice = "see the messages above: memory, drivers, a broken install"
            yield current, Check(BROKEN, "its process died", advice)
            return
        if name is not None:
            yield name, Check(**result)


def _work(checks: Callable[[], Checks], names: Sequence[str], results: Connection) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # a process group, to be killed with everything that a check starts
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr
    known = checks()
    results.send_bytes(b"{}")
    for name in names:
        try:
            result = known[name][0]()
        except Exception as error:  # any error is a result
            message = f"{type(error).__name__}: {one_line(error)[:160]}"
            result = Check(BROKEN, message, "this may be an error in sparring: report it")
        results.send_bytes(json.dumps(asdict(result)).encode())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        ended([parent.sentinel])
        _kill(os.getpid())


def _end(process) -> None:
    _kill(process.pid)
    process.kill()  # it may not have begun its group yet
    process.join()


def _kill(pid: int) -> None:
    """Kills the process and its group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
