"""Loggers of a run's reports: TensorBoard, Weights & Biases, MLflow, or any object with the same two methods."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from sparring.errors import UserError
from sparring.training.journal import Entry


class Logger(Protocol):
    """What `sparring.train(…, watchers=[…])` takes."""

    def report(self, entry: Entry, grid: Image.Image | None) -> None:
        """Called after every report, with its journal entry and its sample grid, if samples are shown as one."""
        ...

    def close(self) -> None:
        """Called once, when the session ends for whatever reason."""
        ...


def flat_metrics(entry: Entry) -> dict[str, float]:
    """The entry's losses and scores by path: "losses/critic.real", "scores/frechet"."""
    return {f"{kind}/{name}": value for kind in ("losses", "scores") for name, value in entry[kind].items()}


def _imported(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise UserError(f"this needs {extra}: pip install {extra}") from None


class TensorBoard:
    """Writes event files into `folder`, for `tensorboard --logdir`."""

    def __init__(self, folder: Path):
        _imported("tensorboard", "'sparring[tensorboard]'")
        self._module = _imported("torch.utils.tensorboard", "'sparring[tensorboard]'")
        self._folder = folder

    @cached_property
    def _writer(self) -> Any:
        # It makes its folder, which may be in the run folder: only when there is something to write.
        return self._module.SummaryWriter(str(self._folder))

    def report(self, entry: Entry, grid: Image.Image | None) -> None:
        import numpy as np

        for name, value in flat_metrics(entry).items():
            self._writer.add_scalar(name, value, entry["examples"])
        if grid is not None:
            pixels = np.asarray(grid.convert("RGB"))
            self._writer.add_image("samples", pixels, entry["examples"], dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WandB:
    """A Weights & Biases run; keywords go to `wandb.init`."""

    def __init__(self, **about: Any):
        self._wandb = _imported("wandb", "wandb")
        self._run = self._wandb.init(**about)

    def report(self, entry: Entry, grid: Image.Image | None) -> None:
        samples = {} if grid is None else {"samples": self._wandb.Image(grid)}
        self._run.log(flat_metrics(entry) | samples, step=entry["examples"])

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """An MLflow run with these parameters, in the active experiment."""

    def __init__(self, parameters: Mapping[str, Any] | None = None):
        self._mlflow = _imported("mlflow", "mlflow")
        self._mlflow.start_run()
        self._mlflow.log_params(dict(parameters or {}))

    def report(self, entry: Entry, grid: Image.Image | None) -> None:
        self._mlflow.log_metrics(flat_metrics(entry), step=entry["examples"])
        if grid is not None:
            self._mlflow.log_image(grid, f"samples/{entry['examples']:012d}.png")

    def close(self) -> None:
        self._mlflow.end_run()
