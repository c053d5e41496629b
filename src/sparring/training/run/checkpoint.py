"""The loop's state on disk: sealed safetensors, written aside and renamed; the last good one always survives."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from sparring.errors import UserError
from sparring.storage import atomic, tensors

KEEP = 2
"""The latest one, and one before it in case the latest is damaged."""
RENAMED_KEYS = {"game.remembering.": "game.stateful_terms.", "game.sight.": "game.critic_input."}
"""Prefixes of tensor names in checkpoints of version 1, and what they are called now."""


def save_checkpoint(folder: Path, seen: int, state: dict[str, Tensor], best: int | None = None) -> None:
    """Writes `SEEN.safetensors` into the folder. Of the others the one before it and that of `best` images are kept.

    What is from later than `seen` goes too: play has gone back to before it.
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
    """The newest state that can be read, and the damaged files passed over. Raises UserError when there is none."""
    damaged = []
    for path in reversed(saved_checkpoints(folder)):
        if (state := _read(path, device)) is not None:
            return state, damaged
        damaged.append(path)
    raise UserError(f"no readable checkpoint in {folder}: nothing to resume; start again with spar train")


def checkpoint_at(folder: Path, seen: int, device: torch.device) -> dict[str, Tensor] | None:
    """The state after so many images; None if it is not kept, or damaged."""
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
    """Drops those made after more images."""
    for path in saved_checkpoints(folder):
        if examples_of(path) > after:
            atomic.remove_file(path)


def examples_of(path: Path) -> int:
    """After how many a checkpoint was made."""
    return int(path.stem)


def _path(folder: Path, seen: int) -> Path:
    return folder / f"{seen:012d}.safetensors"
