"""The loop's state on disk: safetensors, written aside and renamed; the last good one always survives."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sparring.errors import UserError
from sparring.files import written_aside

KEPT = 2
"""The latest one, and one before it in case the latest is damaged."""


def save(folder: Path, seen: int, state: dict[str, Tensor]) -> Path:
    """Writes `SEEN.safetensors` into the folder and drops all but the last two."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seen:012d}.safetensors"
    with written_aside(path) as aside:
        save_file({name: value.detach().contiguous().clone() for name, value in state.items()}, aside)
    for old in sorted(folder.glob("*.safetensors"))[:-KEPT]:
        old.unlink()
    return path


def latest(folder: Path, device: torch.device) -> tuple[dict[str, Tensor], list[Path]]:
    """The newest state that can be read, and the damaged files passed over. Raises UserError when there is none."""
    damaged = []
    for path in sorted(folder.glob("*.safetensors"), reverse=True):
        try:
            return load_file(path, device=str(device)), damaged
        except (SafetensorError, OSError):
            damaged.append(path)
    raise UserError(f"no readable checkpoint in {folder}: nothing to resume; start again with spar train")
