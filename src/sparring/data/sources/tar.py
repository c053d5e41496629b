"""The images of a tar, as WebDataset keeps them: `KEY.jpg` with its class in `KEY.cls`, or in sub-folders.

It is read in place. Members are found by one pass over the headers; a compressed tar has no places to go to, and is
refused.
"""

import tarfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sparring.data.image.file import UnreadableImage
from sparring.data.sources.folder import is_image
from sparring.data.sources.item import FileItem, FileSource, escapes_root
from sparring.errors import UserError, one_line

_CLASS_SUFFIX, _MAX_CLASS_BYTES = ".cls", 256
"""The ending of a member that holds a class as text, and the most bytes one may have."""


def tar_source(path: Path) -> FileSource:
    """The image members of a tar, in their order. Links and members with a climbing path are left out.

    Raises:
        UserError: no tar, a compressed one, or one that ends early.
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
            f"{one_line(path)} ends early, is damaged, or is no plain tar ({reason}): replace it, or unpack it if it "
            "is compressed"
        ) from None
    classes = {_stem(m.name): _read_class(path, m) for m in members if m.name.endswith(_CLASS_SUFFIX)}
    items: dict[str, FileItem] = {}
    broken: list[tuple[str, str]] = []
    for member in members:
        name = one_line(member.name.removeprefix("./"))
        if not is_image(name.split("/")[-1]):
            continue
        if why := _skip_reason(member, name) or ("the same name twice" if name in items else None):
            broken.append((name, why))
        elif classes and _stem(member.name) not in classes:
            broken.append((name, f"no {_CLASS_SUFFIX} beside it"))
        else:
            open_it = partial(read_member, path, member.offset_data, member.size)
            items[name] = FileItem(name, open_it, classes.get(_stem(member.name)))
    return FileSource(path.resolve(), tuple(items.values()), tuple(broken), (state.st_size, state.st_mtime_ns))


def read_member(path: Path, offset: int, size: int) -> BinaryIO:
    """A member's bytes, in memory."""
    with open(path, "rb") as file:
        file.seek(offset)
        content = file.read(size)
    if len(content) < size:
        raise UnreadableImage("the tar ends before it does")
    return BytesIO(content)


def _is_relevant(member: tarfile.TarInfo) -> bool:
    name = member.name.split("/")[-1]
    return not member.isdir() and (is_image(name) or name.endswith(_CLASS_SUFFIX))


def _skip_reason(member: tarfile.TarInfo, name: str) -> str | None:
    if not member.isreg():
        return "a link, or no plain file"
    if escapes_root(name):
        return "its path climbs out of the tar"
    return None


def _check_end(path: Path, end: int, size: int) -> None:
    """A tar ends in two blocks of zeros, which begin at `end`, behind the last member."""
    with open(path, "rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(f"{size:,} bytes, and no end")


def _stem(name: str) -> str:
    """WebDataset's key: the path up to the first full stop of the file's name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _read_class(path: Path, member: tarfile.TarInfo) -> str:
    content = read_member(path, member.offset_data, min(member.size, _MAX_CLASS_BYTES)).read()
    return one_line(content.decode("utf-8", "replace"))
