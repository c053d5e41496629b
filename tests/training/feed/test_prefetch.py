"""Reading ahead: what is waited for comes, or something is said."""

import subprocess
import sys
import threading

import pytest
import torch

from sparring.errors import MachineError
from sparring.training.feed.prefetch import Prefetcher

HANGING = """
import sys; sys.path[:] = {path}
import time, torch
from sparring.errors import MachineError
from sparring.training.feed.prefetch import Prefetcher
ahead = Prefetcher(lambda i: time.sleep(600), lambda k: torch.tensor([k]), timeout=0.1)
try:
    ahead(0)
except MachineError as error:
    sys.exit(str(error))
"""


def test_a_disk_that_does_not_answer_is_not_waited_for_for_ever():
    """Nor does the program wait for its threads at the end."""
    program = [sys.executable, "-c", HANGING.format(path=sys.path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "waited 0.1 s for batch 0" in done.stderr


def test_what_reading_raises_is_raised_where_it_is_asked_for():
    def read(indices):
        if indices[0] == 2:
            raise OSError(5, "Input/output error", "data.bin")
        return indices

    ahead = Prefetcher(read, lambda k: torch.tensor([k]))
    assert [int(ahead(k)) for k in (0, 1)] == [0, 1]
    with pytest.raises(OSError, match=r"data\.bin"):
        ahead(2)
    assert int(ahead(3)) == 3 and int(ahead(1)) == 1


def test_threads_end_with_the_one_who_asks():
    before = set(threading.enumerate())
    ahead = Prefetcher(lambda indices: indices, lambda k: torch.tensor([k]))
    ahead(0)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 4
    del ahead
    assert not any(thread.is_alive() for thread in threads)


def test_a_batch_that_took_too_long_can_be_asked_for_again():
    free = threading.Event()
    ahead = Prefetcher(lambda indices: free.wait() and indices, lambda k: torch.tensor([k]), timeout=0.05)
    with pytest.raises(MachineError):
        ahead(0)
    free.set()
    assert int(ahead(0)) == 0
