"""Reading a model from a run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor, nn

from sparring.build.game import build_encoder, build_generator
from sparring.data import Dataset
from sparring.errors import UserError, shorten
from sparring.modalities.registry import MODALITIES
from sparring.models.model import ATTRIBUTE_ROWS, ENCODER, Model
from sparring.models.spec import ModelSpec, read_spec
from sparring.models.translator import ImageToImageModel
from sparring.rng import torch_state_restored
from sparring.storage import tensors
from sparring.storage.paths import require_run_folder
from sparring.storage.verify import build_on_meta, shape_mismatch, stored_shapes

UNSCORED = "unscored"
"""Weights that a run was scoring when it was killed."""


@torch_state_restored()  # networks are initialised before they get their weights
def load_model(path: str | Path, weights: str | None = None, networks: Mapping[str, nn.Module] = {}) -> Model:
    """The model of a run folder, or of a `model/` folder.

    Args:
        weights: 'best' or 'last'; by default 'best' if the run was scored, else 'last', else those it was scoring.
        networks: G (and E), for a run with networks that are not the library's own; they receive the weights.

    Raises:
        UserError: no model there, a damaged file, or a network or number that the library does not support.
    """
    folder = require_run_folder(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    spec = read_spec(folder / "model.json")
    file = folder / f"{weights or _default_weights(folder)}.safetensors"
    try:
        _check_shapes(file, spec, networks)
        players, stored = _players(spec, networks), tensors.read_tensors(file)
    except FileNotFoundError:
        raise UserError(f"{folder} has no {file.name}: train first, or choose other weights") from None
    except SafetensorError as error:
        raise UserError(f"{file} does not fit model.json ({shorten(error)})") from None
    for prefix, player in _by_prefix(players).items():
        player.load_state_dict({key: stored[prefix + key] for key in player.state_dict()})
        MODALITIES[spec.recipe.modality].to_memory_format(player)
    kind = ImageToImageModel if MODALITIES[spec.recipe.modality].translates else Model
    return kind(spec, *players, rows=stored.get(ATTRIBUTE_ROWS))


def _default_weights(folder: Path) -> str:
    names = ("best", "last", UNSCORED)
    return next((name for name in names if (folder / f"{name}.safetensors").exists()), "last")


def _check_shapes(file: Path, spec: ModelSpec, networks: Mapping[str, nn.Module]) -> None:
    """Raises UserError for weights of other shapes than model.json implies; reads no weights."""
    stored, wanted = stored_shapes(file), len(spec.scales) if spec.recipe.conditional else 0
    rows = stored.pop(ATTRIBUTE_ROWS, (0, 0))
    if rows[1:] != (wanted,) or (wanted and not rows[0]):
        raise UserError(f"{file} does not fit model.json, which has {wanted} attributes")
    try:
        players = build_on_meta(lambda: _players(spec, networks))
    except UserError as error:
        raise UserError(f"{file.with_name('model.json')}: {error}") from None
    if why := shape_mismatch(stored, _by_prefix(players)):
        raise UserError(f"{file} does not fit model.json ({why})")


def _players(spec: ModelSpec, networks: Mapping[str, nn.Module]) -> list[nn.Module]:
    """G, and E if there is one."""
    G = networks.get("G") or build_generator(spec.recipe, spec.shape, spec.width)
    E = networks.get("E") or build_encoder(spec.recipe, spec.shape)
    return [G] if E is None else [G, E]


def _by_prefix(players: Sequence[nn.Module]) -> dict[str, nn.Module]:
    """By the prefix of their weights' names."""
    return dict(zip(("", ENCODER), players, strict=False))


def model_from_run(spec: ModelSpec, data: Dataset, players: Mapping[str, nn.Module]) -> Model:
    """The model of a run in training: its averaged players, and the data that the model stores."""
    if MODALITIES[spec.recipe.modality].translates:
        return ImageToImageModel(spec, players["G"], validation=data.select)
    rows: Tensor | None = data.train.labels if data.scales and spec.recipe.conditional else None
    return Model(spec, **dict(players), rows=rows)
