"""Files of a run in format 1 as those of format 2: run.json and the journal had other names."""

from collections.abc import Mapping
from typing import Any

from sparring.recipes.upgrade import recipe_from_v1

CONFIG = {
    "images": "examples",
    "source": "from_run",
    "reading": "data_options",
    "products": "machine",
    "synchronised": "sync_batch_norm",
    "heal": "recovery",
    "remedies": "adjustments",
}
"""Fields of `Config`: their names in format 1 and now."""
ADJUSTMENT = {"images": "examples", "saw": "evidence", "back": "resumed_from"}
ENTRY = {"images": "examples", "vitals": "health", "share": "progress", "waiting": "data_wait"}
ALARM = {"saw": "evidence"}


def config_from_v1(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Config` from those in a run.json of format 1."""
    fields = _renamed(config, CONFIG)
    fields["recipe"] = recipe_from_v1(fields["recipe"])
    fields["machine"] = {"lowered_convs": fields.get("machine", ())}
    fields["adjustments"] = [_renamed(each, ADJUSTMENT) for each in fields.get("adjustments", ())]
    return fields


def entry_from_v1(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the journal; one of format 2 is returned as it is."""
    new = _renamed(entry, ENTRY)
    return new | {"alarms": [_renamed(each, ALARM) for each in new["alarms"]]} if "alarms" in new else new


def _renamed(old: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in old.items()}
