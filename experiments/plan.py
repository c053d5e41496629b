"""A plan: runs to train, the function that scores each, and baselines to compare them with."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

import sparring
from experiments.ledger import measured
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.data.image.contact_sheet import contact_sheet
from sparring.metrics.image.judge import ImageJudge
from sparring.modalities.registry import judge
from sparring.models.model import Model
from sparring.recipes import Recipe, get_recipe
from sparring.training.journal import Journal

SHOWN = 64
"""Samples in a picture."""


@dataclass(frozen=True)
class Run:
    """One recipe on one data set, trained once per seed."""

    name: str
    """In the ledger and of the run folder."""
    recipe: Recipe
    data: Dataset
    images: int
    labels: dict[str, Any]
    """First cells of the row."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of `sparring.train`."""
    score: Callable[[Path], dict] | None = None
    """Replaces the plan's score function."""


def sample_sheet(model: Model) -> Image.Image:
    return model.preview(SHOWN).image if model.classes else contact_sheet(model.sample(SHOWN))


@dataclass(frozen=True)
class Plan:
    by: str
    """The measurement, as the ledger records it: the experiment and the protocol of its scores."""
    runs: Iterable[Run]
    score: Callable[[Path], dict]
    """Scores of a run folder, as JSON can store them."""
    baselines: list[dict] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    """Printed below the table."""
    finish: Callable[[list[dict]], list[dict]] = list
    """Final rows, of the rows of all runs."""
    picture: Callable[[Model], Image.Image] = sample_sheet

    def measure(self, run: Run, seed: int, args: argparse.Namespace) -> dict:
        """Scores of the run from the ledger; it is trained if the ledger has no row of it."""

        def score(folder: Path) -> dict:
            if getattr(args, "pictures", None):
                args.pictures.mkdir(parents=True, exist_ok=True)
                name = f"{Path(run.data.spec).name}-{run.name}-{seed}.png".replace(" ", "-")
                self.picture(sparring.load(folder)).save(args.pictures / name)
            return (run.score or self.score)(folder)

        return measured(args.out, run.name, run.recipe, run.data, run.images, seed, self.by, score, **run.options)


def parse_flags(pairs: Iterable[str]) -> dict[str, str]:
    """Flags of `spar train` from NAME=VALUE …"""
    return dict(pair.split("=", 1) for pair in pairs)


def parse_recipe(row: str) -> Recipe:
    """Recipe of RECIPE[+NAME=VALUE…], such as `rpgan+augment=diffaugment+batch=32`."""
    name, *flags = row.split("+")
    return with_flags(get_recipe(name), parse_flags(flags))


def train_options(args: argparse.Namespace, **more) -> dict[str, Any]:
    """Keyword arguments of `sparring.train` that the command line has flags for, and `more`."""
    names = [name for name in ("minutes", "threads", "device", "precision") if hasattr(args, name)]
    return {name: getattr(args, name) for name in names} | more


def image_judge(data: Dataset) -> ImageJudge:
    found = judge(data)
    assert isinstance(found, ImageJudge)
    return found


def duration(run: Path) -> dict[str, float]:
    """Images and minutes of training."""
    journal = Journal(run / "journal.jsonl")
    return {"images": journal.entries[-1]["examples"], "minutes": journal.seconds / 60}


def data_folder() -> Path:
    """Folder of the data sets; exits where `SPARRING_DATA` is not set."""
    if "SPARRING_DATA" not in os.environ:
        sys.exit("set SPARRING_DATA to the folder of the data sets")
    return Path(os.environ["SPARRING_DATA"])
