"""The resolved configuration of a run, and `run.json`, which holds it."""

import json
import operator
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from sparring.data.options import Options
from sparring.errors import UserError, shorten
from sparring.models.spec import excess
from sparring.recipes import Recipe
from sparring.recipes.recipe import FORBID_EXTRA
from sparring.storage.atomic import from_json, write_bytes
from sparring.storage.paths import require_run_folder
from sparring.training.config.adjustments import Adjustment, apply_adjustments
from sparring.training.config.settings import RunSettings, setting
from sparring.training.config.upgrade import config_from_v1
from sparring.training.tuning.machine import MachineChoices

PACKAGES = ("sparring", "torch", "numpy")
FORMAT = 2
"""Of run.json."""
COMPARATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class StopCondition(NamedTuple):
    """Such as frechet < 10."""

    score: str
    compare: Callable[[float, float], bool]
    threshold: float

    def is_met(self, scores: Mapping[str, float]) -> bool:
        """False where the score is missing: a user's own may not have been measured."""
        return self.score in scores and self.compare(scores[self.score], self.threshold)


@dataclass(frozen=True)
class Config(RunSettings):
    """Everything that decides what a run computes.

    Raises UserError for values out of bounds or that contradict each other.
    """

    __pydantic_config__ = FORBID_EXTRA
    recipe: Recipe
    data: str
    data_options: Options = setting("how the data is read", Options(), aliases=("reading",), flag=False)  # noqa: RUF009
    machine: MachineChoices = MachineChoices()  # noqa: RUF009
    """Choices by timing on this machine."""
    open_length: bool = False
    """Whether the length is still to be limited by the number of training examples: see `with_length`."""
    adjustments: tuple[Adjustment, ...] = ()
    """Made by automatic recovery, in order."""

    def __post_init__(self):
        super().__post_init__()
        if beyond := excess(self.recipe):
            raise UserError(f"{self.recipe.name} asks for {beyond}: not built")
        if self.recipe.batch < 1:
            raise UserError(f"batch is {self.recipe.batch}: it must be 1 or more")
        if self.compiled and self.sync_batch_norm:
            raise UserError("synchronised batch norm can't be compiled: leave out --compiled or --sync-batch-norm")
        self.stop_condition  # noqa: B018  an invalid one is refused now, not after the first report

    @property
    def adjusted_recipe(self) -> Recipe:
        """The recipe after all adjustments."""
        return apply_adjustments(self.recipe, self.adjustments).with_horizon(self.examples)

    def with_length(self, n: int) -> "Config":
        """The configuration for n training examples: a length that the user left open follows their number."""
        if not self.open_length:
            return self
        examples = self.recipe.length(n)
        return replace(self, examples=examples, recipe=self.recipe.with_horizon(examples), open_length=False)

    @property
    def rounds(self) -> int:
        return -(-self.examples // self.recipe.batch)

    @property
    def period(self) -> int:
        """Rounds from one report to the next."""
        return -(-self.rounds // self.reports)

    @cached_property
    def stop_condition(self) -> StopCondition | None:
        """`until`, parsed. Raises UserError for text of another form."""
        if self.until is None:
            return None
        if not (match := re.fullmatch(r"\s*(\w+)\s*(<=?|>=?)\s*(\d+(?:\.\d*)?|\.\d+)\s*", self.until)):
            raise UserError(f"--until {self.until!r} is not understood: write it like --until 'frechet<10'")
        return StopCondition(match[1], COMPARATORS[match[2]], float(match[3]))

    def to_json(self) -> dict[str, Any]:
        """As `json.loads` would read it: no tuples."""
        return json.loads(json.dumps(asdict(self)))

    @staticmethod
    def from_json(about: object) -> "Config":
        """Raises pydantic's ValidationError for fields of other names or types."""
        return TypeAdapter(Config).validate_python(about)

    def save(self, folder: Path, fingerprint: str) -> None:
        """Writes `run.json`."""
        versions = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
        about = {"format": FORMAT, "config": asdict(self), "versions": versions, "data_fingerprint": fingerprint}
        write_bytes(folder / "run.json", json.dumps(about, indent=1).encode())

    @staticmethod
    def load(folder: Path) -> tuple["Config", str]:
        """The configuration and the data's fingerprint. Raises UserError for a folder that holds no run, and for a run
        of a newer format."""
        path = require_run_folder(folder) / "run.json"
        try:
            about = from_json(path.read_bytes())
            if (written := about.get("format", 1)) > FORMAT:
                raise UserError(f"{path} is of format {written}, and this version reads {FORMAT}: take a newer one")
            config = config_from_v1(about["config"]) if written == 1 else about["config"]
            return Config.from_json(config), str(about["data_fingerprint"])
        except FileNotFoundError:
            raise UserError(f"{folder} is no run: it has no run.json") from None
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is damaged ({shorten(error)[:120]})") from None
