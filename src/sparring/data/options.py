"""How a SPEC is read: what a person can ask of the images that come out."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sparring.errors import UserError, did_you_mean, one_line

IMAGE_SIDES = range(4, 1025)
"""Sides, in pixels, images can be asked for."""
PAIR_DIRECTIONS = ("", "AtoB", "BtoA")
FITS = ("crop", "pad", "stretch")
CHANNELS = ("auto", "grey", "rgb", "rgba")


@dataclass(frozen=True)
class Options:
    """How a SPEC is read.

    Raises:
        UserError: a side out of `SIDES`, or a word that is none of those listed.
    """

    size: tuple[int, int] | None = None
    """Height and width in pixels, 4 to 1024; None: as found, and for files what suits most of them."""
    fit: str = "crop"
    """What becomes of another aspect ratio: "crop" keeps the middle, "pad" adds bars of the image's mean border colour
    (transparent ones where transparency is kept), "stretch" distorts."""
    channels: str = "auto"
    """"grey", "rgb", "rgba", or "auto": grey if every image is; RGBA if over half of the images have transparent
    pixels; else RGB, laid on white."""
    flip: bool = False
    """Train on mirrored copies too (left and right exchanged)."""
    labels: str | None = None
    """A CSV or JSON file of classes or attribute vectors, for folders and zips."""
    columns: tuple[tuple[str, str], ...] = ()
    """Of tables: kinds of columns (number, category, identifier, drop) where what is inferred does not suit."""
    constraints: tuple[str, ...] = ()
    """Of tables: what must hold in every row (see `sparring.data.table.constraints`)."""
    target: str = ""
    """Of tables: the column that rows are scored by foretelling; by default the last."""
    direction: str = ""
    """Of pictures in two domains: "AtoB" or "BtoA"; with one, folders A and B are domains, and other pictures are taken
    for two side by side, A left."""

    def __post_init__(self) -> None:
        if self.size is not None:
            sides = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size,)
            if len(sides) != 2 or any(type(side) is not int or side not in IMAGE_SIDES for side in sides):
                raise UserError(
                    f"can't make images of size {_size_text(self.size)}: give whole numbers from {IMAGE_SIDES[0]} to {IMAGE_SIDES[-1]}, "
                    "such as 64 or 64x96 (height x width)"
                )
            object.__setattr__(self, "size", sides)  # JSON knows only lists
        object.__setattr__(self, "columns", tuple(tuple(pair) for pair in self.columns))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        _check("fit", self.fit, FITS)
        _check("channels", self.channels, CHANNELS)
        _check("direction", self.direction, PAIR_DIRECTIONS)

    @property
    def has_table_options(self) -> bool:
        """Whether something is said that only tables have."""
        return bool(self.columns or self.constraints or self.target)

    @staticmethod
    def parse_size(text: str) -> tuple[int, int]:
        """Height and width of "64" or "64x96" (height x width). Raises UserError for anything else."""
        found = re.fullmatch(r"\s*(\d{1,9})\s*(?:[x×]\s*(\d{1,9})\s*)?", str(text), re.ASCII | re.IGNORECASE)
        if not found:
            raise UserError(f"can't read the size '{one_line(text)}': write 64, or 64x96 for height x width")
        height, width = int(found[1]), int(found[2] or found[1])
        return Options(size=(height, width)).size or (height, width)


def _check(what: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        said = one_line(word)
        raise UserError(
            f"no {what} is called '{said}'{did_you_mean(said, known)}: give one of {', '.join(filter(None, known))}"
        )


def _size_text(size: object) -> str:
    return "x".join(map(str, size)) if isinstance(size, (tuple, list)) else str(size)
