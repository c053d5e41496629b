"""Reading the game of a run, with all its players."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.build.game import build_game
from sparring.errors import UserError, one_line
from sparring.game import Game
from sparring.models.spec import read_spec
from sparring.storage.paths import require_run_folder
from sparring.training import checkpoint
from sparring.training.loop.loop import strip_prefix

CPU = torch.device("cpu")


def load_game(run: str | Path, examples: int | None = None, networks: Mapping[str, nn.Module] = {}) -> Game:
    """The game of a run folder with all players (the critic too) and buffers, on the CPU and in evaluation mode.

    The weights are those that play, not their averages, which `load_model` gives.

    Args:
        examples: that the checkpoint had seen; by default the latest checkpoint.
        networks: players by name, for a run with networks that are not the library's own; they receive the weights.

    Raises:
        UserError: no run there, no such checkpoint, or networks that do not fit it.
    """
    folder = require_run_folder(run)
    spec = read_spec(folder / "model" / "model.json")
    state = strip_prefix("game.", _state(folder / "checkpoints", examples))
    classed = not spec.scales and not spec.facts.condition_width
    classes, attributes = (spec.width, 0) if classed else (0, spec.width)
    game = build_game(spec.recipe, spec.shape, networks, classes, attributes)
    try:
        game.load_state_dict(state)
    except RuntimeError as error:
        reason = one_line(str(error).splitlines()[1])[:100]
        raise UserError(f"the checkpoint of {folder} does not fit its model.json ({reason})") from None
    return game.eval()


def _state(folder: Path, examples: int | None) -> dict[str, Tensor]:
    if examples is None:
        return checkpoint.latest_checkpoint(folder, CPU)[0]
    state = checkpoint.checkpoint_at(folder, examples, CPU)
    if state is None:
        stored = ", ".join(f"{checkpoint.examples_of(path):,}" for path in checkpoint.saved_checkpoints(folder))
        raise UserError(
            f"{folder} has no readable checkpoint after {examples:,} examples: choose one of {stored or 'none'}"
        )
    return state
