"""Transfer learning from another run: Wang et al. 2018 (arXiv:1805.01677); with frozen layers of the critic, FreezeD:
Mo et al. 2020 (arXiv:2002.10964)."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.errors import UserError, one_line
from sparring.storage.paths import require_run_folder
from sparring.training import checkpoint
from sparring.training.journal import Journal
from sparring.training.loop.loop import Loop, strip_prefix


def load_weights_of(loop: Loop, run: Path) -> None:
    """Loads the weights of another run's best report into the players, averaged ones where it has them. Optimisers and
    other state stay new.

    Raises UserError for a run without a checkpoint, or with other networks.
    """
    if not any(require_run_folder(run).glob("checkpoints/*.safetensors")):
        raise UserError(f"{run} has no checkpoint to start from: give the folder of a run")
    state = _best(run, loop.device) or _latest(run, loop.device)
    for name, player in loop.game.players.items():
        learnt = strip_prefix(f"ema.{name}.", state) or strip_prefix(f"game.players.{name}.", state)
        averaged = [loop.ema.players[name]] if name in loop.game.averaged else []
        for net in (player, *averaged):
            try:
                net.load_state_dict(learnt)
            except RuntimeError as error:
                raise UserError(
                    f"{run} has another {name} ({one_line(str(error).splitlines()[1])[:100]}): "
                    "take its recipe, numbers, size and classes"
                ) from None


def _best(run: Path, device: torch.device) -> dict[str, Tensor] | None:
    """The checkpoint of the report with the best selection score: the run may have diverged since. None without one."""
    journal = Journal(run / "journal.jsonl")
    leading = next((name for entry in journal.entries for name in entry["scores"]), "")
    best = journal.best(leading)
    return best and checkpoint.checkpoint_at(run / "checkpoints", best["examples"], device)


def _latest(run: Path, device: torch.device) -> dict[str, Tensor]:
    state, damaged = checkpoint.latest_checkpoint(run / "checkpoints", device)
    for path in damaged:
        print(f"{path} is damaged: starting from the checkpoint before it", file=sys.stderr)
    return state


def freeze_layers(critic: nn.Module, layers: int) -> None:
    """Freezes a critic's first layers and their norms. Raises UserError unless at least one layer is left to train."""
    if layers == 0:
        return
    stages = [stage for stage in _sequence(critic) if any(True for _ in stage.parameters())]
    if not 0 <= layers < len(stages):
        raise UserError(
            f"freeze is {layers}: of this critic's {len(stages)} layers, 0 to {len(stages) - 1} can be frozen"
        )
    for stage in stages[:layers]:
        stage.requires_grad_(False)


def _sequence(critic: nn.Module) -> list[nn.Module]:
    """A critic's layers, in order; a wrapper has the critic as `net`."""
    while isinstance(inner := getattr(critic, "net", None), nn.Module):
        critic = inner
    return list(critic.children())
