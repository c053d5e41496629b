"""What several benchmarks are asked for: data sets, numbers for every recipe, pictures of new rows."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from sparring.build.overrides import with_flags
from sparring.recipes import Recipe, get_recipe


def sets() -> Path:
    """The folder of the data sets; ends the program where none is named."""
    if "SPARRING_DATA" not in os.environ:
        sys.exit("say where the data sets are: SPARRING_DATA=…")
    return Path(os.environ["SPARRING_DATA"])


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--flag", nargs="+", default=[], metavar="NAME=VALUE", help="numbers for every recipe, as flags of spar train"
    )


def flags(pairs: Sequence[str]) -> dict[str, str]:
    """Of NAME=VALUE …"""
    return dict(pair.split("=", 1) for pair in pairs)


def recipe_of(row: str) -> Recipe:
    """Of a row RECIPE[+NAME=VALUE…], such as `rpgan+augment=diffaugment+batch=32`."""
    name, *numbers = row.split("+")
    return with_flags(get_recipe(name), flags(numbers))


def add_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pictures", type=Path, help="write a picture of each new row into this folder")


Keep = Callable[[Callable[[], Image.Image]], None]
"""`Pictures.keep` of a row: takes what makes the picture."""


class Pictures:
    """A folder for pictures of new rows; without one, none is made."""

    def __init__(self, folder: Path | None):
        self.folder = folder

    def keep(self, row: str, seed: int, picture: Callable[[], Image.Image]) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            picture().save(self.folder / f"{row.replace(', ', '-').replace(' ', '-')}-{seed}.png")
