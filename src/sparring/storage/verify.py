"""Checks that a weights file matches its networks before allocating memory for either."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from sparring.errors import UserError, shorten

T = TypeVar("T")
Shapes = dict[str, tuple[int, ...]]

MAX_MODULES = 10_000
"""Modules that a network may consist of."""


def stored_shapes(path: Path) -> Shapes:
    """Shapes of the tensors in a safetensors file, by name, from its header alone. Raises as safetensors does."""
    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict


def build_on_meta(build: Callable[[], T]) -> T:
    """Builds networks on the meta device, without memory. Raises UserError for invalid options, and for too many
    modules."""
    try:
        with torch.device("meta"), _limited_modules():
            return build()
    except UserError:
        raise
    except Exception as error:  # a constructor with invalid numbers may raise any error
        raise UserError(f"its networks can't be built: {shorten(error)}") from None


@contextmanager
def _limited_modules() -> Iterator[None]:
    left = iter(range(MAX_MODULES))

    def count(*_: object) -> None:
        if next(left, None) is None:
            raise UserError(f"the network would have more than {MAX_MODULES:,} modules")

    handle = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def shape_mismatch(stored: Shapes, players: Mapping[str, nn.Module]) -> str | None:
    """How stored shapes differ from those of the players, given by name prefix; None if they match."""
    expected = {
        prefix + key: tuple(value.shape)
        for prefix, player in players.items()
        for key, value in player.state_dict().items()
    }
    if missing := sorted(expected.keys() - stored.keys()):
        return f"it lacks {_listed(missing)}"
    if strange := sorted(stored.keys() - expected.keys()):
        return f"it contains {_listed(strange)}, which the networks lack"
    wrong = next((name for name, shape in expected.items() if stored[name] != shape), None)
    return wrong and f"{wrong} is {_times(stored[wrong])}, not {_times(expected[wrong])}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"
