"""Flags of the settings of a run, made from their declarations in `sparring.training.config.settings`."""

import argparse
from collections.abc import Collection
from types import NoneType
from typing import Any, get_args, get_type_hints

from sparring.training.config.settings import SETTING, RunSettings, Setting, declared_settings


def add_setting_flags(parser: argparse.ArgumentParser, only: Collection[str] = ()) -> None:
    """A flag for each setting, or for these only; aliases are accepted and not shown."""
    types = get_type_hints(RunSettings)
    for name, declared in declared_settings(RunSettings).items():
        if not only or name in only:
            _add(parser, name, declared.metadata[SETTING], types[name])


def _add(parser: argparse.ArgumentParser, name: str, setting: Setting, hint: Any) -> None:
    kind = next(part for part in get_args(hint) or (hint,) if part is not NoneType)
    if kind is bool:
        about: dict[str, Any] = {"action": "store_false" if setting.unset else "store_true"}
    else:
        about = {"type": setting.parse or kind, "metavar": setting.metavar}
    prefix = "--no-" if kind is bool and setting.unset else "--"
    flag, *aliases = (prefix + each.replace("_", "-") for each in (name, *setting.aliases))
    parser.add_argument(flag, dest=name, default=setting.unset, help=setting.help.replace("%", "%%"), **about)
    for alias in aliases:
        parser.add_argument(alias, dest=name, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **about)


def settings_of(args: argparse.Namespace, only: Collection[str] = ()) -> dict[str, Any]:
    """What `sparring.train` takes, from the flags that `add_setting_flags` added."""
    return {name: getattr(args, name) for name in only or declared_settings(RunSettings)}
