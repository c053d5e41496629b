"""Where the data of a run is: `data.json` records it, and the fingerprint decides whether it is the same data.

Paths are recorded both relative to the run folder and absolute, so that the run, the data, or both can be moved.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sparring.data import Dataset, Options
from sparring.data.spec_path import spec_path, with_path
from sparring.errors import UserError, one_line
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe
from sparring.storage.atomic import write_bytes
from sparring.training.config.config import Config

DATA_FILE = "data.json"
WHERE, ANYWAY = "say where it is, with --data PATH", "--changed-data"


@dataclass(frozen=True)
class DataRecord:
    """What a run folder records of its data beside the fingerprint."""

    data: tuple[str, ...] = ()
    """Paths: relative to the run folder, and absolute. Empty where the SPEC has no path."""
    labels: tuple[str, ...] = ()
    """The same for the file of labels."""
    earlier: tuple[str, ...] = ()
    """Fingerprints of other data that the run was trained on before."""

    @staticmethod
    def of(config: Config, folder: Path, earlier: tuple[str, ...] = ()) -> "DataRecord":
        """Of the paths as they are typed in the working directory."""
        return DataRecord(_both(spec_path(config.data), folder), _both(config.data_options.labels, folder), earlier)

    @staticmethod
    def load(folder: Path) -> "DataRecord":
        """Empty for a run without the file. Raises UserError for a damaged one."""
        try:
            return TypeAdapter(DataRecord).validate_json((folder / DATA_FILE).read_bytes())
        except FileNotFoundError:
            return DataRecord()
        except (OSError, ValidationError):
            raise UserError(f"{folder / DATA_FILE} is damaged: delete it, and {WHERE}") from None

    def save(self, folder: Path) -> None:
        write_bytes(folder / DATA_FILE, json.dumps(asdict(self), indent=1).encode())

    def to_json(self) -> dict[str, list[str]]:
        return json.loads(json.dumps(asdict(self)))


def _both(path: str | None, folder: Path) -> tuple[str, ...]:
    if not path:
        return ()
    path = os.path.abspath(os.path.expanduser(path))
    return os.path.relpath(os.path.realpath(path), os.path.realpath(folder)), path


@dataclass(frozen=True)
class RunData:
    """Loads the data of a run.

    Args:
        config, fingerprint, record: of the run folder.
        elsewhere: a SPEC or data set to use instead of the recorded paths.
        changed: accept data of another fingerprint.
        hint: what a user can do where the data is not found.
    """

    folder: Path
    config: Config
    fingerprint: str
    record: DataRecord
    elsewhere: str | Path | Dataset | None = None
    changed: bool = False
    hint: str = f"{WHERE}, or use this by {ANYWAY}"

    @staticmethod
    def of_run(folder: str | Path, elsewhere: str | Path | Dataset | None = None, changed: bool = False) -> "RunData":
        """Raises UserError for a folder that holds no run."""
        config, fingerprint = Config.load(Path(folder))
        return RunData(Path(folder), config, fingerprint, DataRecord.load(Path(folder)), elsewhere, changed)

    def load(self) -> Dataset:
        """The data as the run's recipe uses it; see `load_as_read`."""
        return for_recipe(self.load_as_read(), self.config.recipe)

    def load_as_read(self) -> Dataset:
        """The first data set at the candidate paths with the fingerprint of the run; under the SPEC of the run.

        Raises UserError where there is none, unless `changed` accepts the first of another fingerprint.
        """
        others: list[Dataset] = []
        errors: list[UserError] = []
        for spec, options in self._candidates():
            try:
                loaded = spec if isinstance(spec, Dataset) else load_dataset(spec, options)
                fingerprint = for_recipe(loaded, self.config.recipe).fingerprint
            except UserError as error:
                errors.append(error)
                continue
            if fingerprint == self.fingerprint:
                return replace(loaded, spec=self.config.data)
            others.append(loaded)
        if others and self.changed:
            return others[0]
        if others:
            raise UserError(
                f"{one_line(others[0].spec)} is not the data {self.folder} was trained on: its fingerprint has "
                f"changed; {self.hint}"
            )
        places = " or ".join(map(one_line, self._places(self.record.data)))
        raise errors[0] if errors else UserError(f"the data of {self.folder} is not at {places}: {self.hint}")

    def _candidates(self) -> Iterator[tuple[str | Dataset, Options]]:
        options = self.config.data_options
        if isinstance(self.elsewhere, Dataset):
            yield self.elsewhere, options
            return
        labels = self._existing(self.record.labels) or (options.labels,)
        if self.elsewhere is not None:
            specs: tuple[str, ...] = (str(self.elsewhere),)
        elif self.record.data:
            specs = tuple(with_path(self.config.data, path) for path in self._existing(self.record.data))
        else:
            specs = (self.config.data,)
        for spec, label_file in product(specs, labels):
            yield spec, replace(options, labels=label_file)

    def _existing(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(place for place in self._places(paths) if os.path.exists(place))

    def _places(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        folder = os.path.realpath(self.folder)
        return tuple(dict.fromkeys(os.path.normpath(os.path.join(folder, path)) for path in paths))
