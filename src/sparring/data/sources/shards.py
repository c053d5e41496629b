"""Several files of one kind in a folder, as one source."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sparring.data.sources.item import FileSource
from sparring.errors import UserError, one_line

SourceReader = Callable[[Path], FileSource]


def shards(folder: Path, readers: Mapping[str, SourceReader]) -> list[Path]:
    """The files of the first ending in `readers` that a folder has any of, by name; those of its sub-folders do not
    count."""
    for ending in readers:
        if found := sorted(path for path in folder.glob(f"*{ending}") if path.is_file() and path.name[0] != "."):
            return found
    return []


def check_unmixed(own: FileSource, folder: Path, readers: Mapping[str, SourceReader]) -> None:
    """Raises UserError if shards with pictures lie beside a folder's own, as nobody can tell which are meant; tars and
    tables of something else are no matter."""
    for ending, read in readers.items():
        for path in shards(folder, {ending: read}):
            if _holds_any(path, read):
                raise UserError(
                    f"{one_line(folder)} holds pictures, such as {own.items[0].name}, and {one_line(path.name)} holds "
                    "some too: give each a folder of its own"
                )


def _holds_any(path: Path, read: SourceReader) -> bool:
    try:
        return bool(read(path).items)
    except UserError:
        return False


def shard_source(folder: Path, paths: list[Path], read: SourceReader) -> FileSource:
    """All of them, one after the other; an item's name begins with its shard's. Raises UserError as `read`."""
    sources = [(one_line(path.name), read(path)) for path in paths]
    return FileSource(
        folder.resolve(),
        tuple(replace(item, name=f"{name}/{item.name}") for name, source in sources for item in source.items),
        tuple((f"{name}/{what}", why) for name, source in sources for what, why in source.skipped),
        tuple((name, *source.stamp) for name, source in sources),
    )
