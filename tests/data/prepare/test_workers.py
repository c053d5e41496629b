"""Workers that never answer."""

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.data.prepare import workers
from sparring.errors import UserError


class Slow:
    """Takes a worker ten minutes to open."""

    def __reduce__(self):
        return time.sleep, (600,)


def test_workers_that_hang_are_given_up(monkeypatch):
    monkeypatch.setattr(workers, "_TIMEOUT", 0.5)
    work: Any = SimpleNamespace()
    source: Any = Slow()
    with pytest.raises(UserError, match=r"did nothing for 0\.5 s"):
        list(workers.decode_batches([[(0, 0)], [(1, 1)]], work, source, 2))


def test_decoders_do_without_torch():
    modules = ", ".join(
        f"sparring.data.{name}"
        for name in ("prepare.workers", "sources.zip", "sources.tar", "sources.parquet", "sources.hub")
    )
    told = subprocess.check_output([sys.executable, "-c", f"import sys, {modules}; print('torch' in sys.modules)"])
    assert told == b"False\n"
