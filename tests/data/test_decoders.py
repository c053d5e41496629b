"""Workers that never answer."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.data import decoders
from sparring.errors import UserError


def test_workers_that_hang_are_given_up(monkeypatch):
    """Opening the source, a worker sleeps."""
    monkeypatch.setattr(decoders, "STUCK", 0.5)
    work: Any = SimpleNamespace(spec=600, key="")
    sleeping: Any = time.sleep
    with pytest.raises(UserError, match=r"did nothing for 0\.5 s"):
        list(decoders.decoded([[(0, 0)], [(1, 1)]], work, SimpleNamespace(), sleeping, 2))  # pyright: ignore
