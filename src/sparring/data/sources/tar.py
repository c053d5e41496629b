"""Images of an uncompressed tar archive, read in place.

Classes come from sub-folders or, in WebDataset's layout, from `KEY.cls` beside `KEY.jpg`.
"""

import tarfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sparring.data.files import FileItem, FileSource, escapes_root
from sparring.data.image.file import UnreadableImage
from sparring.data.sources.folder import is_image
from sparring.errors import UserError, one_line

_CLASS_SUFFIX, _MAX_CLASS_BYTES = ".cls", 256
"""Suffix of members that hold a class as text, and their maximum size in bytes."""


def tar_source(path: Path) -> FileSource:
    """Image members of a tar, in archive order. Links and unsafe paths are skipped.

    Raises:
        UserError: not a tar, a compressed one, or a truncated one.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            members = [member for member in archive if _is_relevant(member)]
            end = archive.offset
        state = path.stat()
        _check_end(path, end, state.st_size)
    except (tarfile.TarError, OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(
            f"{one_line(path)} is truncated, damaged, or not an uncompressed tar ({reason}): replace it, or decompress "
            "it first"
        ) from None
    classes = {_stem(m.name): _read_class(path, m) for m in members if m.name.endswith(_CLASS_SUFFIX)}
    items: dict[str, FileItem] = {}
    skipped: list[tuple[str, str]] = []
    for member in members:
        name = one_line(member.name.removeprefix("./"))
        if not is_image(name.split("/")[-1]):
            continue
        if why := _skip_reason(member, name) or ("duplicate name" if name in items else None):
            skipped.append((name, why))
        elif classes and _stem(member.name) not in classes:
            skipped.append((name, f"no {_CLASS_SUFFIX} file with its key"))
        else:
            open_it = partial(read_member, path, member.offset_data, member.size)
            items[name] = FileItem(name, open_it, classes.get(_stem(member.name)))
    return FileSource(path.resolve(), tuple(items.values()), tuple(skipped), (state.st_size, state.st_mtime_ns))


def read_member(path: Path, offset: int, size: int) -> BinaryIO:
    """A member's content, in memory. Raises UnreadableImage if the archive is too short."""
    with open(path, "rb") as file:
        file.seek(offset)
        content = file.read(size)
    if len(content) < size:
        raise UnreadableImage("truncated: the tar ends within it")
    return BytesIO(content)


def _is_relevant(member: tarfile.TarInfo) -> bool:
    name = member.name.split("/")[-1]
    return not member.isdir() and (is_image(name) or name.endswith(_CLASS_SUFFIX))


def _skip_reason(member: tarfile.TarInfo, name: str) -> str | None:
    if not member.isreg():
        return "a link or special file"
    if escapes_root(name):
        return "its path leads outside the tar"
    return None


def _check_end(path: Path, end: int, size: int) -> None:
    """Raises ValueError if the zero block that ends a tar is missing at `end`."""
    with open(path, "rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(f"{size:,} bytes without an end marker")


def _stem(name: str) -> str:
    """WebDataset's key: the path up to the first dot of the file name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _read_class(path: Path, member: tarfile.TarInfo) -> str:
    content = read_member(path, member.offset_data, min(member.size, _MAX_CLASS_BYTES)).read()
    return one_line(content.decode("utf-8", "replace"))
