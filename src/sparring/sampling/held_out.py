"""Samples of image-to-image models: translations of the test images that their run was not trained on."""

from pathlib import Path

from sparring.errors import UserError
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe
from sparring.models.translator import ImageToImageModel
from sparring.training.config.config import Config


def load_validation(model: ImageToImageModel, run: Path, n: int, chosen: bool) -> int:
    """Gives the model the test images of its run's data to translate; returns how many samples there are, at most n.

    Args:
        chosen: whether seeds, labels or a truncation were asked for, which such samples do not have.

    Raises:
        UserError: no run folder, data that can't be loaded, or choices that do not apply.
    """
    if chosen:
        raise UserError(f"{model.spec.recipe.name} translates test images: omit seeds, label and truncation")
    if not (run / "run.json").exists():
        raise UserError(f"{run} is no run folder, so its test images are unknown: use spar apply {run} IMAGES --out …")
    config, _ = Config.load(run)
    model.validation = for_recipe(load_dataset(config.data, config.data_options), config.recipe).test
    return min(n, len(model.validation))
