import os
from pathlib import Path

import pytest
import torch
from commands import SMALL, spar

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def session(tmp_path_factory) -> Path:
    """A folder of this session's own, which all its processes share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _cache(session):
    """Of the session's own, for fixtures that train too."""
    os.environ["XDG_CACHE_HOME"] = str(session / "cache")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """One thread, for pytest runs as many processes as there are cores."""
    torch.set_num_threads(1)
    # Enough for what is not about these features; their own tests say how many they take.
    monkeypatch.setattr("sparring.metrics.features.self_supervised._STEPS", 5)


@pytest.fixture
def quick_judge(monkeypatch, session):
    """A classifier of a few steps, for tests that ask nothing of it, in a cache apart from that of good ones."""
    monkeypatch.setattr("sparring.metrics.features.extractors._STEPS", 20)
    monkeypatch.setenv("XDG_CACHE_HOME", str(session / "quick"))


@pytest.fixture
def experiments(monkeypatch):
    """Makes the package `experiments` importable."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))


@pytest.fixture
def system_tests(monkeypatch):
    """Makes the scripts in `tests/system` importable."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "system"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A short run of the MLP GAN, trained to its end."""
    out = tmp_path_factory.mktemp("runs") / "short"
    torch.set_num_threads(1)
    assert spar("train", "mlp-gan", "--data", "digits", "--out", out, "--images", 640, "--threads", 1, *SMALL) == 0
    return out
