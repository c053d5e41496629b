"""Downloads of named data sets, verified by size and sha256.

Looks under $SPARRING_DATA, then in the user's cache, then downloads.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from sparring.errors import UserError, one_line
from sparring.storage.atomic import atomic_write, cache_folder

TIMEOUT = 20
"""Seconds without a response."""


@dataclass(frozen=True)
class Pin:
    """Expected size and hash of a file."""

    size: int
    """Bytes."""
    sha256: str

    def fault(self, content: bytes) -> str | None:
        """Why `content` is not the expected file; None if it is."""
        if len(content) != self.size:
            actual = "more" if len(content) > self.size else f"{len(content):,}"
            return f"it has {actual} bytes, expected {self.size:,}"
        return None if hashlib.sha256(content).hexdigest() == self.sha256 else "its sha256 is not the pinned one"


@dataclass(frozen=True)
class Remote:
    """Files of a named data set, and their address."""

    name: str
    url: str
    """https, ends with a slash."""
    pins: Mapping[str, Pin]

    def path(self, file: str) -> Path:
        """The path of a file, downloaded into the cache if it is not there yet.

        Raises UserError for a file with another hash, and for a failed download, which leaves nothing behind.
        """
        path = next((folder / file for folder in self._folders() if (folder / file).is_file()), None)
        return self._download(file) if path is None else self._checked(path)

    def lacking(self) -> list[str]:
        """Files that are not there and would be downloaded."""
        folders = self._folders()
        return [file for file in self.pins if not any((folder / file).is_file() for folder in folders)]

    def _folders(self) -> list[Path]:
        own = os.environ.get("SPARRING_DATA")
        return ([Path(own).expanduser() / self.name] if own else []) + [cache_folder() / self.name]

    def _checked(self, path: Path) -> Path:
        pin = self.pins[path.name]
        try:
            with path.open("rb") as file:
                fault = pin.fault(file.read(pin.size + 1))
        except OSError as error:
            fault = error.strerror
        if fault:
            raise UserError(f"{one_line(path)} is damaged or another file ({fault}): delete or replace it")
        return path

    def _download(self, file: str) -> Path:
        folder, pin = cache_folder() / self.name, self.pins[file]
        try:
            with urlopen(self.url + file, timeout=TIMEOUT) as answer:
                content = answer.read(pin.size + 1)
        except (OSError, HTTPException) as error:
            raise self._missing(one_line(getattr(error, "reason", None) or error)) from None
        if fault := pin.fault(content):
            raise self._missing(f"{self.url}{file} is another file than expected: {fault}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"can't create {one_line(folder)} for {self.name}: {error.strerror}") from None
        with atomic_write(folder / file) as aside:
            aside.write_bytes(content)
        return folder / file

    def _missing(self, reason: str) -> UserError:
        return UserError(
            f"{self.name} was not found and could not be downloaded ({reason}); put {', '.join(self.lacking())} "
            f"in {one_line(self._folders()[0])} or set SPARRING_DATA to the folder that contains {self.name}/"
        )
