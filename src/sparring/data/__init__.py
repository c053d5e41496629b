"""Data: what a SPEC names, as uint8 images in memory, split and fingerprinted.

`named` holds the sets with a name, `folder` reads a folder of images; `sets` says what comes out, `pixels` goes
between uint8 and what networks see.
"""

import os.path
from pathlib import Path

from sparring.data.folder import read_folder
from sparring.data.named import NAMED
from sparring.data.options import Options
from sparring.data.pixels import resized
from sparring.data.points import MIXTURES
from sparring.data.sets import Data, Examples
from sparring.errors import UserError, nearest, one_line


def load(spec: str | Path, options: Options = Options()) -> Data:  # noqa: B008 - frozen
    """Loads a data set.

    Args:
        spec: `digits`, `mnist`, `fashion-mnist`, or a folder of images, whose sub-folders are classes. A name goes
            before a folder of the same name: write ./digits for the folder.
        options: by default as the named set is, and for a folder what suits its images.

    Raises:
        UserError: an unknown name, a folder that is missing or has too few usable images, a damaged file,
            a set that could not be downloaded.
    """
    if options.fit != "crop" or options.channels != "auto" or options.flip or options.labels:
        raise UserError("only the size can be chosen so far")
    size = options.size
    name = str(spec)
    if name in NAMED:
        train, test, names = NAMED[name]()
        medium = "points" if name in MIXTURES else "image"
        return Data.of(name, _sized(train, size), _sized(test, size), names, medium=medium)
    # os.path answers for what Path would make "." of (the empty text) or raise for (a name too long, a zero byte).
    path = os.path.expanduser(name)
    if os.path.isdir(path):
        if size and size[0] != size[1]:
            raise UserError("only square images can be read so far")
        return read_folder(name, Path(path), size and size[0])
    if os.path.exists(path):
        raise UserError(f"{one_line(name)} is a file: give the folder that holds the images")
    raise UserError(
        f"no data set or folder '{one_line(name)}'{nearest(name, NAMED)}; "
        f"give a folder of images, or one of: {', '.join(NAMED)}"
    )


def _sized(images: Examples, size: tuple[int, int] | None) -> Examples:
    if size is not None and images.values.dim() != 4:
        raise UserError("points have no size: leave --size out")
    return images if size is None else Examples(resized(images.values, size), images.labels)


__all__ = ["Data", "Examples", "Options", "load"]
