"""Numbers out of bounds are one line, in every command and from Python."""

import argparse
import math

import pytest
import torch
from commands import refused

import sparring
from sparring.api import configure
from sparring.commands.cli import parser
from sparring.errors import UserError
from sparring.errors.bounds import ARGUMENTS, POSITIVE, Bounds
from sparring.training.config.settings import RunSettings, declared_settings


def commands(top: argparse.ArgumentParser, name: str = "spar"):
    """Every command's parser, by its words."""
    groups = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield name, top
    for group in groups:
        for word, sub in group.choices.items():
            yield from commands(sub, f"{name} {word}")


NUMBERS = [
    (name, action) for name, command in commands(parser()) for action in command._actions if action.type in (int, float)
]


@pytest.mark.parametrize(("name", "action"), NUMBERS, ids=[f"{name} {action.dest}" for name, action in NUMBERS])
def test_every_number_has_bounds(name, action):
    settings = declared_settings(RunSettings)
    bounds = settings[action.dest].metadata["setting"].bounds if action.dest in settings else ARGUMENTS[action.dest]
    assert isinstance(bounds, Bounds)


@pytest.mark.parametrize(
    ("bounds", "right", "wrong"),
    [(Bounds(0), (0, 5, None), (-1, math.nan)), (POSITIVE, (1e-9, math.inf), (0, -1, math.nan))],
)
def test_bounds(bounds, right, wrong):
    for value in right:
        bounds.check("x", value)
    for value in wrong:
        with pytest.raises(UserError, match=f"a-b is {value}: it must be"):
            bounds.check("a_b", value)


@pytest.mark.parametrize(
    "words",
    ["sample RUN --seed -1 --out x.png", "sample RUN --n 0 --out x.png", "evaluate RUN --seed -1"]
    + ["evaluate RUN --samples 1", "compare RUN --seed -1", "explore RUN codes --seed -1 --out x.png"]
    + ["apply RUN x.png --n 0 --out y.png", "apply RUN x.png --tile -1 --out y.png", "train mlp-gan --seed -1 --out r"]
    + ["train mlp-gan --timeout 0 --out r", "sample RUN --truncation nan --out x.png", "resume RUN --timeout nan"]
    + ["bench step --rounds 0", "bench scaling --bandwidth -1", "data prepare x y --workers 0"],
)
def test_commands(capsys, words):
    assert "it must be" in refused(capsys, *words.split())


def test_python(tmp_path):
    data = sparring.of_arrays(torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8))
    run = sparring.train("mlp-gan", data, tmp_path / "run", images=64, reports=1)
    model = sparring.load(tmp_path / "run")
    for call in (
        lambda: model.sample(4, seed=-1),
        lambda: model.sample(0),
        lambda: model.sample_seeds([3, -1]),
        lambda: sparring.evaluate(run.folder, seed=-1, data=data),
        lambda: sparring.evaluate(run.folder, samples=1, data=data),
        lambda: sparring.compare([run.folder], data, seed=-1),
        lambda: configure("mlp-gan", "digits", seed=-1),
    ):
        with pytest.raises(UserError, match="it must be"):
            call()
