"""The files of a folder, found without opening any."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from sparring.data.image.file import IMAGE_SUFFIXES
from sparring.data.sources.item import FileItem, FileSource, LabelFile, escapes_root, sort_items
from sparring.errors import one_line

LABEL_FILE_NAME = "dataset.json"
"""The label file StyleGAN's tools leave at the top of a set."""
NameFilter = Callable[[str], bool]
"""Whether a file is, by its name."""


def has_suffix(endings: tuple[str, ...]) -> NameFilter:
    """By the ending of a file's name; hidden files are none."""
    return lambda name: not name.startswith(".") and name.lower().endswith(endings)


is_image = has_suffix(IMAGE_SUFFIXES)


def folder_source(folder: Path, wanted: NameFilter = is_image) -> FileSource:
    """The files of a folder that are wanted, by their names. Hidden files and folders are passed over."""
    root = os.path.realpath(folder)
    items: list[FileItem] = []
    broken: list[tuple[str, str]] = []
    stamp: list[object] = []
    for path in _walk(root, wanted, broken):  # as text: a folder may hold a million
        name = one_line(path[len(root) :].lstrip(os.sep).replace(os.sep, "/"))
        state = "its path climbs out of the folder" if escapes_root(name) else _safe_stat(path, root)
        if isinstance(state, str):
            broken.append((name, state))
            continue
        items.append(FileItem(name, partial(open, path, "rb")))
        stamp.append((name, state.st_size, state.st_mtime_ns))
    labels = _own_labels(root, broken)
    return FileSource(Path(root), sort_items(items), tuple(broken), tuple(sorted(map(repr, stamp))), labels)


def _walk(root: str, wanted: NameFilter, broken: list[tuple[str, str]]) -> Iterator[str]:
    """Files that are wanted, and links to folders, which may hold some; adds to `broken` the folders that can't be
    listed."""

    def refused(error: OSError) -> None:
        broken.append((one_line(os.path.relpath(error.filename, root)), error.strerror or "can't be read"))

    for here, folders, files in os.walk(root, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # os.walk lists a link to a folder among the folders and does not follow it.
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in links + [name for name in files if wanted(name)]:
            yield os.path.join(here, name)


def _safe_stat(path: str, root: str) -> os.stat_result | str:
    """What the system says of a file; or why it can't be opened without harm: a link may show what was never meant to
    be shared, a pipe waits."""
    try:
        state = os.lstat(path)
        if S_ISLNK(state.st_mode):  # os.walk does not follow links, so all else is where it seems to be
            if not os.path.realpath(path).startswith(os.path.join(root, "")):
                return "a link to outside the folder"
            state = os.stat(path)
    except OSError as error:
        return error.strerror or "can't be read"
    return state if S_ISREG(state.st_mode) else "not a plain file"


def _own_labels(root: str, broken: list[tuple[str, str]]) -> LabelFile | None:
    path = os.path.join(root, LABEL_FILE_NAME)
    if not os.path.lexists(path):
        return None
    if isinstance(why := _safe_stat(path, root), str):
        broken.append((LABEL_FILE_NAME, why))
        return None
    try:
        return LabelFile(LABEL_FILE_NAME, Path(path).read_bytes())
    except OSError as error:
        broken.append((LABEL_FILE_NAME, error.strerror or "can't be read"))
        return None
