"""Configurations as run.json of format 1 holds them, and back."""

from collections.abc import Mapping
from typing import Any

from sparring.recipes.upgrade import recipe_from_v1, recipe_to_v1


def config_from_v1(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Config` from those in a run.json of format 1.

    A mapping that has today's fields already is returned as it is.
    """
    fields = dict(config) | {"recipe": recipe_from_v1(config["recipe"])}
    if "products" in fields:
        fields["machine"] = {"lowered_convs": fields.pop("products")}
    return fields


def config_to_v1(config: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `config_from_v1`: all fields of format 1, in their order."""
    fields = {
        "products" if name == "machine" else name: value["lowered_convs"] if name == "machine" else value
        for name, value in config.items()
    }
    return fields | {"recipe": recipe_to_v1(config["recipe"])}
