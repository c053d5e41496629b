"""The command line, run within the test's own process, and the runs it leaves."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sparring.commands.cli import main

SMALL = ["--generator.widths", "16,16", "--critic.widths", "16,16", "--reports", "2", "--batch", "32"]
"""An MLP GAN, or what is made of perceptrons too, in little time."""


def spar(*words: object) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


def refused(capsys, *words: object) -> str:
    """The one line a bad command is answered with."""
    capsys.readouterr()
    assert spar(*words) == 2
    out, err = capsys.readouterr()
    lines = err.strip().splitlines()
    assert out == "" and len(lines) == 1 and lines[0].startswith("spar: ") and "Traceback" not in err
    return lines[0]


def final(run: Path) -> dict[str, Tensor]:
    """The newest checkpoint."""
    return load_file(max((run / "checkpoints").glob("*.safetensors")))


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    same_kinds = a.keys() == b.keys() and all(a[name].dtype == b[name].dtype for name in a)
    return same_kinds and all(torch.equal(a[name], b[name]) for name in a)


def distance(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """The largest of any number."""
    assert a.keys() == b.keys()
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)
