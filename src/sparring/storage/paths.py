"""Paths that users name: endings of files, names that do not collide, run folders."""

import mimetypes
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from sparring.errors import UserError, one_line


def file_ending(path: Path) -> str:
    """The ending in lower case, such as ".png"; "" for a name whose dot is no file's, such as `results.v2`."""
    ending = path.suffix.lower()
    is_known = ending[1:].isalpha() or mimetypes.guess_type(f"file{ending}")[0] is not None
    return ending if is_known else ""


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, with "-2", "-3", … appended where one occurs again; names that differ only in case or in Unicode form
    are the same."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, k = name, 1
        while _key(candidate) in taken:
            k += 1
            candidate = f"{name}-{k}"
        taken.add(_key(candidate))
        result.append(candidate)
    return result


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def require_run_folder(path: str | Path) -> Path:
    """The path. Raises UserError for a file, and names the run folder that it is in."""
    if not (path := Path(path)).is_file():
        return path
    folders = [folder for name in ("run.json", "model.json") for folder in path.parents if (folder / name).exists()]
    where = f": give its folder, {folders[0]}" if folders else ""
    raise UserError(f"{one_line(path)} is a file, not a run{where}")
