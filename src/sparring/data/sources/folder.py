"""Lists the files of a folder without opening them."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from sparring.data.files import FileItem, FileSource, LabelFile, escapes_root, sort_items
from sparring.data.image.file import IMAGE_SUFFIXES
from sparring.data.layout import wrapping_folders
from sparring.errors import one_line

LABEL_FILE_NAME = "dataset.json"
"""Label file of a data set, as written by StyleGAN's tools."""
SYSTEM_FOLDERS = frozenset(
    {"@eaDir", "#recycle", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)
"""Folders of thumbnails, deleted files and metadata, by Synology, macOS, Windows and Linux."""
NameFilter = Callable[[str], bool]
"""Selects files by name."""


def has_suffix(endings: tuple[str, ...]) -> NameFilter:
    """Filter for visible files with one of these suffixes."""
    return lambda name: not name.startswith(".") and name.lower().endswith(endings)


is_image = has_suffix(IMAGE_SUFFIXES)


def folder_source(folder: Path, selects: NameFilter = is_image) -> FileSource:
    """The selected files of a folder, recursively, sorted by name. Hidden files and folders are ignored."""
    root = os.path.realpath(folder)
    items: list[FileItem] = []
    skipped: list[tuple[str, str]] = []
    stamp: list[object] = []
    for path in _walk(root, selects, skipped):  # as text: a folder may hold a million
        name = one_line(path[len(root) :].lstrip(os.sep).replace(os.sep, "/"))
        state = "its path leads outside the folder" if escapes_root(name) else _safe_stat(path, root)
        if isinstance(state, str):
            skipped.append((name, state))
            continue
        items.append(FileItem(name, partial(open, path, "rb")))
        stamp.append((name, state.st_size, state.st_mtime_ns))
    labels = _own_labels(root, items, skipped)
    return FileSource(Path(root), sort_items(items), tuple(skipped), tuple(sorted(map(repr, stamp))), labels)


def _walk(root: str, selects: NameFilter, skipped: list[tuple[str, str]]) -> Iterator[str]:
    """Paths of selected files and of links to folders; adds unlistable folders to `skipped`."""

    def note_error(error: OSError) -> None:
        skipped.append((one_line(os.path.relpath(error.filename, root)), error.strerror or "can't be read"))

    for here, folders, files in os.walk(root, onerror=note_error):
        system = [name for name in folders if name in SYSTEM_FOLDERS]
        skipped += [
            (one_line(os.path.relpath(os.path.join(here, name), root)) + "/", "a system folder") for name in system
        ]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in SYSTEM_FOLDERS]
        # os.walk lists a link to a folder among the folders and does not follow it.
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in links + [name for name in files if selects(name)]:
            yield os.path.join(here, name)


def _safe_stat(path: str, root: str) -> os.stat_result | str:
    """The file's status, or why it must not be opened: a link may expose private files, a pipe blocks."""
    try:
        state = os.lstat(path)
        if S_ISLNK(state.st_mode):  # only the file itself can be a link: os.walk does not follow links to folders
            if not os.path.realpath(path).startswith(os.path.join(root, "")):
                return "a link to a file outside the folder"
            state = os.stat(path)
    except OSError as error:
        return error.strerror or "can't be read"
    return state if S_ISREG(state.st_mode) else "not a plain file"


def _own_labels(root: str, items: list[FileItem], skipped: list[tuple[str, str]]) -> LabelFile | None:
    """The label file at the top, or in a folder that holds all items."""
    paths = [os.path.join(root, folder, LABEL_FILE_NAME) for folder in wrapping_folders([item.name for item in items])]
    path = next((path for path in paths if os.path.lexists(path)), None)
    if path is None:
        return None
    if isinstance(why := _safe_stat(path, root), str):
        skipped.append((LABEL_FILE_NAME, why))
        return None
    try:
        return LabelFile(LABEL_FILE_NAME, Path(path).read_bytes())
    except OSError as error:
        skipped.append((LABEL_FILE_NAME, error.strerror or "can't be read"))
        return None
