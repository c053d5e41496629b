"""Options for reading a data set: image size, channels, labels, columns."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sparring.errors import UserError, did_you_mean, one_line

IMAGE_SIDES = range(4, 1025)
"""Allowed image sides, in pixels."""
PAIR_DIRECTIONS = ("", "AtoB", "BtoA")
FITS = ("crop", "pad", "stretch")
CHANNELS = ("auto", "grey", "rgb", "rgba")


@dataclass(frozen=True)
class Options:
    """How to read a SPEC.

    Raises:
        UserError: a side outside `IMAGE_SIDES`, or an unknown choice.
    """

    size: tuple[int, int] | None = None
    """Height and width in pixels, 4 to 1024. None keeps the size of arrays, and picks one for image files."""
    fit: str = "crop"
    """How to handle another aspect ratio: "crop" keeps the centre, "pad" adds bars of the image's mean border colour
    (transparent ones for RGBA), "stretch" distorts."""
    channels: str = "auto"
    """"grey", "rgb", "rgba", or "auto": grey if every image is grey; RGBA if over half of the images have transparent
    pixels; else RGB, composited over white."""
    flip: bool = False
    """Whether to add horizontally mirrored copies in training."""
    labels: str | None = None
    """Path of a CSV or JSON file of classes or attribute vectors, for folders and zips."""
    columns: tuple[tuple[str, str], ...] = ()
    """Tables: (column, kind) pairs that override the inferred kind; number, category, identifier or drop."""
    constraints: tuple[str, ...] = ()
    """Tables: constraints on every row (see `sparring.data.table.constraints`)."""
    target: str = ""
    """Tables: the target column for ML efficacy; by default the last one."""
    direction: str = ""
    """Image pairs: "AtoB" or "BtoA". If set, folders A and B are domains, and any other image is read as two halves
    side by side, A on the left."""

    def __post_init__(self) -> None:
        if self.size is not None:
            sides = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size,)
            if len(sides) != 2 or any(type(side) is not int or side not in IMAGE_SIDES for side in sides):
                raise UserError(
                    f"invalid image size {_size_text(self.size)}: give whole numbers from {IMAGE_SIDES[0]} to "
                    f"{IMAGE_SIDES[-1]}, such as 64 or 64x96 (height x width)"
                )
            object.__setattr__(self, "size", sides)  # JSON knows only lists
        object.__setattr__(self, "columns", tuple(tuple(pair) for pair in self.columns))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        _check("fit", self.fit, FITS)
        _check("channels", self.channels, CHANNELS)
        _check("direction", self.direction, PAIR_DIRECTIONS)

    @property
    def has_table_options(self) -> bool:
        """Whether any option is set that applies only to tables."""
        return bool(self.columns or self.constraints or self.target)

    @staticmethod
    def parse_size(text: str) -> tuple[int, int]:
        """Height and width from "64" or "64x96" (height x width). Raises UserError for anything else."""
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:[x×]\s*(\d{1,9})\s*)?", str(text), re.ASCII | re.IGNORECASE)
        if not match:
            raise UserError(f"invalid size '{one_line(text)}': write 64, or 64x96 for height x width")
        height, width = int(match[1]), int(match[2] or match[1])
        return Options(size=(height, width)).size or (height, width)


def _check(what: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        name = one_line(word)
        raise UserError(f"unknown {what} '{name}'{did_you_mean(name, known)}: use {', '.join(filter(None, known))}")


def _size_text(size: object) -> str:
    return "x".join(map(str, size)) if isinstance(size, (tuple, list)) else str(size)
