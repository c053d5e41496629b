"""Checkpoints: the loop's state in checksummed safetensors, written atomically; the last good one always survives."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from sparring.errors import UserError
from sparring.storage import atomic, tensors

KEEP = 2
"""Checkpoints to keep: the latest, and the one before it in case the latest is damaged."""
RENAMED_KEYS = {"game.remembering.": "game.stateful_terms.", "game.sight.": "game.critic_input."}
"""Prefixes of tensor names in checkpoints of version 1, and what they are called now."""


def save_checkpoint(folder: Path, seen: int, state: dict[str, Tensor], best: int | None = None) -> None:
    """Writes `SEEN.safetensors` into the folder. Deletes the others, but for the one before it and that of `best`
    examples; later ones too, which are from before a rollback.
    """
    atomic.ensure_folder(folder)
    tensors.write_tensors(_path(folder, seen), state)
    before = [path for path in saved_checkpoints(folder) if path.name <= _path(folder, seen).name]
    kept = {*before[-KEEP:], _path(folder, seen if best is None else best)}
    for path in saved_checkpoints(folder):
        if path not in kept:
            atomic.remove_file(path)


def saved_checkpoints(folder: Path) -> list[Path]:
    """The files, the oldest first."""
    return sorted(folder.glob("*.safetensors"))


def latest_checkpoint(folder: Path, device: torch.device) -> tuple[dict[str, Tensor], list[Path]]:
    """The newest readable state, and the damaged files that are newer. Raises UserError without a readable one."""
    damaged = []
    for path in reversed(saved_checkpoints(folder)):
        if (state := _read(path, device)) is not None:
            return state, damaged
        damaged.append(path)
    raise UserError(f"no readable checkpoint in {folder}: nothing to resume; start again with spar train")


def checkpoint_at(folder: Path, seen: int, device: torch.device) -> dict[str, Tensor] | None:
    """The state after `seen` examples; None if it is deleted or damaged."""
    return _read(_path(folder, seen), device)


def _read(path: Path, device: torch.device) -> dict[str, Tensor] | None:
    try:
        return {_current_name(name): x.to(device) for name, x in tensors.read_tensors(path).items()}
    except (SafetensorError, OSError):
        return None


def _current_name(name: str) -> str:
    for old, new in RENAMED_KEYS.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def drop_after(folder: Path, after: int) -> None:
    """Deletes the checkpoints after more than `after` examples."""
    for path in saved_checkpoints(folder):
        if examples_of(path) > after:
            atomic.remove_file(path)


def examples_of(path: Path) -> int:
    """Examples seen when a checkpoint was made."""
    return int(path.stem)


def _path(folder: Path, seen: int) -> Path:
    return folder / f"{seen:012d}.safetensors"
