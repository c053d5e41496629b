"""Reading a model from a run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from sparring.build.networks import build_encoder, build_generator
from sparring.data import Dataset
from sparring.errors import UserError, shorten
from sparring.models.model import ENCODER, ROWS, Model
from sparring.models.spec import ModelSpec, read_spec
from sparring.models.translator import ImageToImageModel
from sparring.storage import tensors
from sparring.storage.verify import build_on_meta, shape_mismatch, stored_shapes


def load_model(path: str | Path, weights: str | None = None, networks: Mapping[str, nn.Module] = {}) -> Model:
    """The model of a run folder, or of a `model/` folder.

    Args:
        weights: 'best' or 'last'; by default the best if there were scores, else the last.
        networks: G (and E), for a run of networks that are not the library's own; they get the weights.

    Raises:
        UserError: nothing there, or a file that is damaged or asks for what the library does not have.
    """
    folder = Path(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    description = read_spec(folder / "model.json")
    name = weights or ("best" if (folder / "best.safetensors").exists() else "last")
    path = folder / f"{name}.safetensors"
    try:
        held, wanted = stored_shapes(path), len(description.scales) if description.recipe.conditional else 0
        rows = held.pop(ROWS, (0, 0))
        if rows[1:] != (wanted,) or (wanted and not rows[0]):
            raise UserError(f"{path} does not fit model.json ({wanted} attributes are told of there)")
        if why := shape_mismatch(held, _prefixed(_sketch(description, networks, folder))):
            raise UserError(f"{path} does not fit model.json ({why})")
        players, kept = _players(description, networks), tensors.read_tensors(path)
    except FileNotFoundError:
        raise UserError(f"{folder} has no {name}.safetensors: train first, or choose other weights") from None
    except SafetensorError as error:
        raise UserError(f"{path} does not fit model.json ({shorten(error)})") from None
    for prefix, player in _prefixed(players).items():
        player.load_state_dict({key: kept[prefix + key] for key in player.state_dict()})
        player.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  as they were trained

    return model_class(description)(description, *players, rows=kept.get(ROWS))


def _players(description: ModelSpec, networks: Mapping[str, nn.Module]) -> list[nn.Module]:
    """G, and E if there is one."""
    recipe, shape = description.recipe, description.shape
    G = networks.get("G") or build_generator(recipe, shape, description.width)
    E = networks.get("E") or build_encoder(recipe, shape)
    return [G] if E is None else [G, E]


def _sketch(description: ModelSpec, networks: Mapping[str, nn.Module], folder: Path) -> list[nn.Module]:
    try:
        return build_on_meta(lambda: _players(description, networks))
    except UserError as error:
        raise UserError(f"{folder / 'model.json'}: {error}") from None


def _prefixed(players: Sequence[nn.Module]) -> dict[str, nn.Module]:
    """By what their weights' names begin with."""
    return dict(zip(("", ENCODER), players, strict=False))


def model_from_run(description: ModelSpec, data: Dataset, players: Mapping[str, nn.Module]) -> Model:
    """The model of a run: its players, and what of the data it keeps."""
    if description.recipe.is_image_to_image:
        return ImageToImageModel(description, players["G"], held=data.select)
    rows = data.train.labels if data.scales and description.recipe.conditional else None
    return Model(description, **dict(players), rows=rows)


def model_class(description: ModelSpec) -> type[Model]:
    return ImageToImageModel if description.recipe.is_image_to_image else Model
