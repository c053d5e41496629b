"""A folder of images: sub-folders are classes, a flat one is unlabelled."""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median_low
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from sparring.data.picture import Unusable, short_side, square
from sparring.data.sets import Data, Examples, split
from sparring.errors import UserError, one_line

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
FEWEST = 12
LARGEST_BY_DEFAULT = 64
Broken = list[tuple[str, str]]
T = TypeVar("T")


class File(NamedTuple):
    path: Path
    name: str
    """Path inside the folder, printable."""
    label: str | None
    """The class: the sub-folder of the first level; None beside the sub-folders."""


def read_folder(spec: str, folder: Path, size: int | None = None) -> Data:
    """Reads the png, jpeg, bmp and webp images of a folder; what can't be used is listed in `Data.broken`.

    Images are turned upright (EXIF), laid on white, cropped to the middle square and resized. The set is grey if every
    image is. A single sub-folder is no class: such a set is unlabelled.

    Args:
        size: the side; by default the largest multiple of 8 the shorter sides' median allows, 8 to 64.

    Raises:
        UserError: fewer than 12 usable images.
    """
    files, broken = _classed(*_scan(folder))
    with warnings.catch_warnings():
        # Pillow warns of bad EXIF and large images; what matters of that goes into `broken`.
        warnings.simplefilter("ignore")
        size = size or _fitting(_parallel(lambda file: short_side(file.path), files))
        decoded = _parallel(lambda file: _decode(file, size), files)
    good = [(file, image) for file, image in zip(files, decoded, strict=True) if isinstance(image, np.ndarray)]
    broken += [(file.name, why) for file, why in zip(files, decoded, strict=True) if isinstance(why, str)]
    if len(good) < FEWEST:
        raise UserError(_too_few(spec, len(good), broken))
    names, labels = _labelled([file.label for file, _ in good])
    return Data.of(spec, *split(Examples(_stacked([image for _, image in good]), labels)), names, tuple(sorted(broken)))


def _scan(folder: Path) -> tuple[list[File], Broken]:
    """Image files by name, and what was left out. Hidden files and folders are passed over."""
    root = os.path.realpath(folder)
    files: list[File] = []
    broken: Broken = []

    def refused(error: OSError) -> None:
        broken.append((one_line(os.path.relpath(error.filename, root)), error.strerror or "can't be read"))

    for here, folders, found in os.walk(root, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # os.walk lists a link to a folder among the folders and does not follow it.
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in links + [name for name in found if _is_image(name)]:
            path = Path(here, name)
            inside = path.relative_to(root)
            if why := _unfit(path, root):
                broken.append((one_line(inside), why))
            else:
                files.append(File(path, one_line(inside), one_line(inside.parts[0]) if len(inside.parts) > 1 else None))
    return sorted(files, key=lambda file: file.path.parts), broken


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS


def _unfit(path: Path, root: str) -> str | None:
    """Why a path can't be opened without harm: a link may show what was never meant to be shared, a pipe waits."""
    target = os.path.realpath(path)
    if not target.startswith(os.path.join(root, "")):
        return "a link to outside the folder"
    return None if os.path.isfile(target) else "not a plain file"


def _classed(files: list[File], broken: Broken) -> tuple[list[File], Broken]:
    """Files of several classes, without those beside the class folders; or all files, without a class."""
    if len({file.label for file in files} - {None}) < 2:
        return [file._replace(label=None) for file in files], broken
    beside = [(file.name, "beside the class folders, so of no class") for file in files if file.label is None]
    return [file for file in files if file.label is not None], broken + beside


def _decode(file: File, size: int) -> np.ndarray | str:
    """The image, or why there is none."""
    try:
        return square(file.path, size)
    except Unusable as error:
        return str(error)


def _parallel(call: Callable[[File], T], files: list[File]) -> list[T]:
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(call, files))


def _fitting(sides: list[int | None]) -> int:
    known = [side for side in sides if side]
    return max(8, min(LARGEST_BY_DEFAULT, median_low(known) // 8 * 8)) if known else 8


def _labelled(classes: list[str | None]) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Class names, and labels that index them; a class without a usable image is gone, and one alone is no class."""
    numbers = {name: i for i, name in enumerate(sorted({name for name in classes if name is not None}))}
    if len(numbers) < 2:
        return (), None
    return tuple(numbers), torch.tensor([numbers[name] for name in classes if name is not None])


def _stacked(images: list[np.ndarray]) -> torch.Tensor:
    """uint8 (n, 1 or 3, h, w): grey if every image is."""
    if all(image.ndim == 2 for image in images):
        return torch.from_numpy(np.stack(images)[:, None])
    colour = np.empty((len(images), 3, *images[0].shape[:2]), np.uint8)
    for place, image in zip(colour, images, strict=True):
        place[:] = image if image.ndim == 2 else image.transpose(2, 0, 1)
    return torch.from_numpy(colour)


def _too_few(spec: str, usable: int, broken: Broken) -> str:
    how_many = f"only {usable}" if usable else "no"
    why = f"; {len(broken)} left out, such as {broken[0][0]}: {broken[0][1]}" if broken else ""
    endings = ", ".join(sorted(ending[1:] for ending in ENDINGS))
    return f"{one_line(spec)} has {how_many} usable images ({endings}), and {FEWEST} are needed{why}"
