"""The settings of a run, each declared once, for Python, the command line, run.json and `spar train --help`.

Importable without torch, for the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from sparring.errors import UserError, did_you_mean
from sparring.errors.bounds import POSITIVE, Bounds

SETTING = "setting"
"""The key of a `Setting` in the metadata of its field."""


@dataclass(frozen=True)
class Setting:
    """What is known of a setting beside its name, type and value."""

    help: str
    unset: Any
    """What `sparring.train` and `spar train` pass when it is left out; resolved to a value of the field's type."""
    bounds: Bounds | None = None
    aliases: tuple[str, ...] = ()
    """Earlier names, still accepted in Python and as flags."""
    parse: Callable[[str], Any] | None = None
    """From a flag's text; by default the field's type."""
    metavar: str | None = None
    flag: bool = True
    """Whether the command line has a flag of this name."""


def setting(help: str, default: Any = MISSING, *, unset: Any = MISSING, **about: Any) -> Any:
    """A dataclass field that is a setting. `default` is of `Config`; `unset` (by default the same) as in `Setting`."""
    unset = default if unset is MISSING else unset
    return field(default=default, metadata={SETTING: Setting(help, unset, **about)})


def _slices(text: str) -> int:
    return 0 if text == "auto" else int(text)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """To add a setting, add a field."""

    examples: int = setting(
        "examples to train on (default: the recipe's)", unset=None, bounds=Bounds(1), aliases=("images",)
    )
    from_run: str | None = setting(
        "start from the best weights of another run", None, aliases=("from", "source"), metavar="RUN"
    )
    freeze: int = setting("freeze the critic's first N layers", 0, bounds=Bounds(0), metavar="N")
    minutes: float | None = setting("stop and save after this many minutes, in each session", None, bounds=POSITIVE)
    until: str | None = setting("stop when the selection score meets a condition, such as 'frechet<10'", None)
    seed: int = setting("of all random numbers (default: 0)", 0, bounds=Bounds(0))
    device: str = setting("auto, cpu, cuda, cuda:1, mps (default: auto)", "cpu", unset="auto")
    precision: str = setting("auto, fp32, bf16 (default: auto)", "fp32", unset="auto")
    threads: int = setting(
        "CPU threads (default: all cores); a resumed run uses as many, for sums depend on them",
        1,
        unset=None,
        bounds=Bounds(1),
    )
    micro_batches: int = setting(
        "accumulate a batch from N slices; auto, or --batch auto: as few as memory allows",
        1,
        bounds=Bounds(0),
        parse=_slices,
        metavar="N",
    )
    recompute: bool = setting("save memory: recompute activations in the backward pass", False)
    compiled: bool = setting("compile the losses with torch.compile", False)
    sync_batch_norm: bool = setting(
        "batch norm statistics over the slices of all processes", False, aliases=("synchronised",)
    )
    reports: int = setting("reports over the run: scores, sample grid, journal line, checkpoint", 10, bounds=Bounds(1))
    recovery: bool = setting("stop when training diverges, instead of rolling back", True, aliases=("heal",))

    def __post_init__(self):
        for name, declared in declared_settings(type(self)).items():
            if bounds := declared.metadata[SETTING].bounds:
                bounds.check(name, getattr(self, name))


def declared_settings(owner: type) -> dict[str, Field]:
    """The fields of a dataclass that are settings, by name."""
    return {f.name: f for f in fields(owner) if SETTING in f.metadata}


def complete_settings(owner: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a dataclass by name, where `given` lacks it as when left out.

    Raises UserError for a name that is no setting, and for one given twice, by an alias too.
    """
    declared = {name: f.metadata[SETTING] for name, f in declared_settings(owner).items()}
    names = {alias: name for name, setting in declared.items() for alias in (name, *setting.aliases)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in names:
            raise UserError(f"no setting '{key}'{did_you_mean(key, names)}; there are: {', '.join(declared)}")
        if names[key] in values:
            raise UserError(f"{names[key]} is given twice, once as {key}: leave one out")
        values[names[key]] = value
    return {name: setting.unset for name, setting in declared.items()} | values
