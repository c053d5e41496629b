import os
from pathlib import Path

import pytest
import torch

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _one_thread(tmp_path_factory, monkeypatch):
    """One thread, for pytest runs as many processes as there are cores; and a cache of the session's own."""
    torch.set_num_threads(1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp().parent / "cache"))
    # Enough for what is not about these features; their own tests say how many they take.
    monkeypatch.setattr("sparring.metrics.self_supervised.STEPS", 5)


@pytest.fixture
def quick_judge(monkeypatch):
    """A classifier of a few steps, for tests that ask nothing of it; not on named sets, whose judges are shared."""
    monkeypatch.setattr("sparring.metrics.extractors.STEPS", 20)


@pytest.fixture
def benchmarks(monkeypatch):
    """What is in `benchmarks/` can be imported."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
