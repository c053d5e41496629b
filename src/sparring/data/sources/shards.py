"""Sharded data sets: several tar or parquet files as one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sparring.data.files import FileSource
from sparring.errors import UserError, one_line

SourceReader = Callable[[Path], FileSource]


def shards(folder: Path, readers: Mapping[str, SourceReader]) -> list[Path]:
    """Files of a folder with the first suffix in `readers` that occurs, sorted by name, without sub-folders."""
    for ending in readers:
        if files := sorted(path for path in folder.glob(f"*{ending}") if path.is_file() and path.name[0] != "."):
            return files
    return []


def check_unmixed(own: FileSource, folder: Path, readers: Mapping[str, SourceReader]) -> None:
    """Raises UserError if a folder holds both image files and shards with images: which ones are meant is unclear."""
    for ending, read in readers.items():
        for path in shards(folder, {ending: read}):
            if _holds_any(path, read):
                raise UserError(
                    f"{one_line(folder)} holds both image files, such as {own.items[0].name}, and an archive, "
                    f"{one_line(path.name)}: move them to separate folders"
                )


def _holds_any(path: Path, read: SourceReader) -> bool:
    try:
        return bool(read(path).items)
    except UserError:
        return False


def shard_source(folder: Path, paths: list[Path], read: SourceReader) -> FileSource:
    """All shards concatenated; item names begin with the shard's name. Raises UserError as `read`."""
    sources = [(one_line(path.name), read(path)) for path in paths]
    return FileSource(
        folder.resolve(),
        tuple(replace(item, name=f"{name}/{item.name}") for name, source in sources for item in source.items),
        tuple((f"{name}/{what}", why) for name, source in sources for what, why in source.skipped),
        tuple((name, *source.stamp) for name, source in sources),
    )
