"""Whether a file of weights is of the networks it is said to be of: found out before memory is spent on either."""

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

MOST = 10_000
"""Layers within layers that a network may be built of."""


def stored_shapes(path: Path) -> Shapes:
    """Of the tensors in a safetensors file, by name; nothing but its header is read. Raises what safetensors does."""
    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict


def build_on_meta(build: Callable[[], T]) -> T:
    """What `build` makes of networks, without their numbers. Raises UserError for what can't be built, and for more
    layers than any recipe has."""
    try:
        with torch.device("meta"), _counted():
            return build()
    except UserError:
        raise
    except Exception as error:  # given strange numbers, a constructor raises almost anything
        raise UserError(f"its networks can't be built: {shorten(error)}") from None


@contextmanager
def _counted() -> Iterator[None]:
    left = iter(range(MOST))

    def count(*_: object) -> None:
        if next(left, None) is None:
            raise UserError(f"it asks for a network of more than {MOST:,} layers: not built")

    handle = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def shape_mismatch(held: Shapes, players: Mapping[str, nn.Module]) -> str | None:
    """How tensors of these shapes differ from those of networks, by what their names begin with; None if they don't."""
    wanted = {
        prefix + key: tuple(value.shape)
        for prefix, player in players.items()
        for key, value in player.state_dict().items()
    }
    if missing := sorted(wanted.keys() - held.keys()):
        return f"it lacks {_listed(missing)}"
    if strange := sorted(held.keys() - wanted.keys()):
        return f"it holds {_listed(strange)}, unlike the networks"
    wrong = next((name for name, shape in wanted.items() if held[name] != shape), None)
    return wrong and f"{wrong} is {_times(held[wrong])}, not {_times(wanted[wrong])}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"
