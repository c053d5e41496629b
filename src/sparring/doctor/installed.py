"""What is installed and where data lies."""

import os
import platform
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from sparring.data.named import FASHION, MNIST
from sparring.doctor.check import BROKEN, OK, Check, worst
from sparring.errors import UserError, one_line
from sparring.storage.atomic import cache_folder
from sparring.storage.download import Remote
from sparring.training.run.config import PACKAGES

NEEDED = re.compile(r"([\w-]+)>=([\d.]+);\s*extra == ['\"](\w+)['\"]")
"""A line of the package's metadata, such as "pyarrow>=17; extra == 'parquet'"."""


def versions() -> Check:
    said = [f"{name} {version(name)}" for name in PACKAGES]
    return Check(OK, ", ".join([*said, f"Python {platform.python_version()}", platform.platform(terse=True)]))


def extras() -> Check:
    """What is installed of the extras can be imported, and is new enough."""
    wanted: dict[str, list[tuple[str, str]]] = {}
    for line in requires("sparring") or []:
        if (found := NEEDED.fullmatch(line)) and found[3] != "dev":
            wanted.setdefault(found[3], []).append((found[1], found[2]))
    missing, checks = [], []
    for extra, packages in wanted.items():
        held = {name: _version(name) for name, _ in packages}
        if not all(held.values()):
            missing.append(extra)
            continue
        checks.append(_extra(extra, [(name, held[name] or "", least) for name, least in packages]))
    absent = [Check(OK, f"not installed: {', '.join(missing)} (pip install 'sparring[NAME]')")] if missing else []
    return worst(checks + absent)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _extra(extra: str, packages: list[tuple[str, str, str]]) -> Check:
    again = f"pip install --upgrade 'sparring[{extra}]'"
    for name, held, least in packages:
        if _numbers(held) < _numbers(least):
            return Check(BROKEN, f"{extra}: {name} {held} is older than {least}", again)
        try:
            import_module(name)
        except Exception as error:  # a package that does not fit the others may raise anything
            return Check(BROKEN, f"{extra}: {name} {held} can't be imported ({one_line(error)[:80]})", again)
    return Check(OK, extra)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def data() -> Check:
    """Where named sets are looked for, and whether those that are there are whole."""
    own = os.environ.get("SPARRING_DATA")
    place = Check(
        OK, f"$SPARRING_DATA is {own}" if own else f"$SPARRING_DATA is not set; sets are kept in {cache_folder()}"
    )
    if own and not Path(own).expanduser().is_dir():
        place = Check(
            BROKEN, f"$SPARRING_DATA is {own}, and no folder", "set it to the folder that holds mnist/, or not"
        )
    return worst([place, *(_set(remote) for remote in (MNIST, FASHION))])


def _set(remote: Remote) -> Check:
    if lacking := remote.lacking():
        return Check(OK, f"{remote.name} is not here ({len(lacking)} files would be downloaded)")
    try:
        for file in remote.pins:
            remote.path(file)
    except UserError as error:
        return Check(BROKEN, f"{remote.name} is damaged", str(error))
    return Check(OK, f"{remote.name} is whole")
