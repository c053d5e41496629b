"""Data: what a SPEC names, as uint8 images in memory, split and fingerprinted.

`named` holds the sets with a name, `folder` reads a folder of images; `sets` says what comes out, `pixels` goes
between uint8 and what networks see.
"""

import os.path
from pathlib import Path

from sparring.data.folder import read_folder
from sparring.data.named import NAMED
from sparring.data.pixels import resized
from sparring.data.points import MIXTURES
from sparring.data.sets import Data, Examples
from sparring.errors import UserError, nearest, one_line

SIDES = range(4, 1025)
"""Sides, in pixels, images can be asked for."""


def load(spec: str | Path, size: int | None = None) -> Data:
    """Loads a data set.

    Args:
        spec: `digits`, `mnist`, `fashion-mnist`, or a folder of images, whose sub-folders are classes. A name goes
            before a folder of the same name: write ./digits for the folder.
        size: the side in pixels, 4 to 1024; by default as the named set is, and for a folder what suits its images.

    Raises:
        UserError: an unknown name, a folder that is missing or has too few usable images, a bad size, a damaged file,
            a set that could not be downloaded.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size not in SIDES):
        raise UserError(f"can't make images of size {size}: give a whole number from {SIDES[0]} to {SIDES[-1]}")
    name = str(spec)
    if name in NAMED:
        train, test, names = NAMED[name]()
        medium = "points" if name in MIXTURES else "image"
        return Data.of(name, _sized(train, size), _sized(test, size), names, medium=medium)
    # os.path answers for what Path would make "." of (the empty text) or raise for (a name too long, a zero byte).
    path = os.path.expanduser(name)
    if os.path.isdir(path):
        return read_folder(name, Path(path), size)
    if os.path.exists(path):
        raise UserError(f"{one_line(name)} is a file: give the folder that holds the images")
    raise UserError(
        f"no data set or folder '{one_line(name)}'{nearest(name, NAMED)}; "
        f"give a folder of images, or one of: {', '.join(NAMED)}"
    )


def _sized(images: Examples, size: int | None) -> Examples:
    if size is not None and images.values.dim() != 4:
        raise UserError("points have no size: leave --size out")
    return images if size is None else Examples(resized(images.values, size), images.labels)


__all__ = ["Data", "Examples", "load"]
