"""Checks of installed packages and data sets."""

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
from sparring.training.config.config import PACKAGES

NEEDED = re.compile(r"([\w-]+)>=([\d.]+);\s*extra == ['\"](\w+)['\"]")
"""A line of the package's metadata, such as "pyarrow>=17; extra == 'parquet'"."""


def versions() -> Check:
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    return Check(OK, ", ".join([*versions, f"Python {platform.python_version()}", platform.platform(terse=True)]))


def extras() -> Check:
    """Whether the installed extras can be imported and are recent enough."""
    wanted: dict[str, list[tuple[str, str]]] = {}
    for line in requires("sparring") or []:
        if (match := NEEDED.fullmatch(line)) and match[3] != "dev":
            wanted.setdefault(match[3], []).append((match[1], match[2]))
    missing, checks = [], []
    for extra, packages in wanted.items():
        installed = {name: _version(name) for name, _ in packages}
        if not all(installed.values()):
            missing.append(extra)
            continue
        checks.append(_extra(extra, [(name, installed[name] or "", least) for name, least in packages]))
    absent = [Check(OK, f"not installed: {', '.join(missing)} (pip install 'sparring[NAME]')")] if missing else []
    return worst(checks + absent)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _extra(extra: str, packages: list[tuple[str, str, str]]) -> Check:
    upgrade = f"pip install --upgrade 'sparring[{extra}]'"
    for name, installed, least in packages:
        if _numbers(installed) < _numbers(least):
            return Check(BROKEN, f"{extra}: {name} {installed} is older than {least}", upgrade)
        try:
            import_module(name)
        except Exception as error:  # an incompatible package may raise anything
            return Check(BROKEN, f"{extra}: {name} {installed} can't be imported ({one_line(error)[:80]})", upgrade)
    return Check(OK, extra)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def data() -> Check:
    """Where named data sets are searched for, and whether those present are intact."""
    own = os.environ.get("SPARRING_DATA")
    place = Check(OK, f"$SPARRING_DATA is {own or f'not set: data sets are stored in {cache_folder()}'}")
    if own and not Path(own).expanduser().is_dir():
        advice = "set it to the folder that contains mnist/, or unset it"
        place = Check(BROKEN, f"$SPARRING_DATA is {own}, which is no folder", advice)
    return worst([place, *(_set(remote) for remote in (MNIST, FASHION))])


def _set(remote: Remote) -> Check:
    if lacking := remote.lacking():
        return Check(OK, f"{remote.name} is not present ({len(lacking)} files would be downloaded)")
    try:
        for file in remote.pins:
            remote.path(file)
    except UserError as error:
        return Check(BROKEN, f"{remote.name} is damaged", str(error))
    return Check(OK, f"{remote.name} is intact")
