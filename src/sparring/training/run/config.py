"""The whole resolved configuration of a run, and `run.json`, where it is kept."""

import json
import operator
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from sparring.data.options import Options
from sparring.errors import UserError
from sparring.models.spec import excess
from sparring.recipes import Recipe
from sparring.recipes.recipe import FORBID_EXTRA
from sparring.storage.atomic import from_json, write_bytes
from sparring.training.health.adjustments import Adjustment, adjusted
from sparring.training.run.upgrade import config_from_v1
from sparring.training.tuning.machine import MachineChoices

PACKAGES = ("sparring", "torch", "numpy")


SENSES = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Bar(NamedTuple):
    score: str
    holds: Callable[[float, float], bool]
    value: float

    def met(self, scores: Mapping[str, float]) -> bool:
        """By these; one of the user's own that was not taken meets none."""
        return self.score in scores and self.holds(scores[self.score], self.value)


@dataclass(frozen=True)
class Config:
    __pydantic_config__ = FORBID_EXTRA
    recipe: Recipe
    data: str
    images: int
    seed: int = 0
    reading: Options = field(default_factory=Options)
    """How the data is read: size, fit, channels, mirrored copies, a label file."""
    source: str | None = None
    """The run whose weights this one started from."""
    freeze: int = 0
    """The critic's first layers that hold still."""
    minutes: float | None = None
    """A limit on the clock, for each session of the run."""
    until: str | None = None
    """A bar such as "frechet<10" or "modes>=8": stop when the selection score meets it."""
    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    """CPU threads: sums depend on them, so a resumed run uses as many."""
    machine: MachineChoices = field(default_factory=MachineChoices)
    """Choices by timing on this machine."""
    micro_batches: int = 1
    """Slices a batch is accumulated from; 0, before a run has begun: as few as memory allows."""
    recompute: bool = False
    """Compute the maps within stages of the players again when gradients want them, rather than keep them."""
    compiled: bool = False
    """Compile the losses with `torch.compile`."""
    synchronised: bool = False
    """Of several processes, batch norm takes the statistics of the whole batch, not of each process's slice."""
    reports: int = 10
    """Over the whole run: scores, sample grid, journal line, checkpoint. So few that scores take some 3 % of DCGAN's
    time on MNIST with one thread, and less of dearer games'; the journal tells what they took."""

    heal: bool = True
    """Go back and on with a remedy when an alarm says that the run can't come right by itself."""
    remedies: tuple[Adjustment, ...] = ()
    """What the run was given, in order."""

    def __post_init__(self):
        for name, least in (("images", 1), ("reports", 1), ("micro_batches", 0), ("threads", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name.replace('_', '-')} is {getattr(self, name)}: it must be {least} or more")
        if beyond := excess(self.recipe):
            raise UserError(f"{self.recipe.name} asks for {beyond}: not built")
        if self.recipe.batch < 1:
            raise UserError(f"batch is {self.recipe.batch}: it must be 1 or more")
        if self.compiled and self.synchronised:
            raise UserError("synchronised statistics can't be compiled: leave out --compiled or --synchronised")
        if self.minutes is not None and self.minutes <= 0:
            raise UserError(f"minutes is {self.minutes}: it must be more than 0")
        if self.seed < 0:
            raise UserError(f"seed is {self.seed}: it must be 0 or more")
        self.bar  # noqa: B018  a bad bar is told now, not after the first report

    @property
    def played(self) -> Recipe:
        """The recipe after all remedies."""
        return adjusted(self.recipe, self.remedies).with_horizon(self.images)

    @property
    def rounds(self) -> int:
        return -(-self.images // self.recipe.batch)

    @property
    def period(self) -> int:
        """Rounds from one report to the next."""
        return -(-self.rounds // self.reports)

    @cached_property
    def bar(self) -> Bar | None:
        """What stops the run. Raises UserError for a bar that is not understood."""
        if self.until is None:
            return None
        if not (found := re.fullmatch(r"\s*(\w+)\s*(<=?|>=?)\s*(\d+(?:\.\d*)?|\.\d+)\s*", self.until)):
            raise UserError(f"--until {self.until!r} is not understood: write it like --until 'frechet<10'")
        return Bar(found[1], SENSES[found[2]], float(found[3]))

    def save(self, folder: Path, fingerprint: str) -> None:
        versions = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
        about = {"config": asdict(self), "versions": versions, "data_fingerprint": fingerprint}
        write_bytes(folder / "run.json", json.dumps(about, indent=1).encode())

    @staticmethod
    def load(folder: Path) -> tuple["Config", str]:
        """The configuration and the data's fingerprint. Raises UserError for a folder that holds no run."""
        path = folder / "run.json"
        try:
            about = from_json(path.read_bytes())
            return TypeAdapter(Config).validate_python(config_from_v1(about["config"])), str(about["data_fingerprint"])
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{folder} is no run: it has no run.json") from None
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is damaged ({' '.join(str(error).split())[:120]})") from None
