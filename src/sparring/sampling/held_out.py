"""Samples of image-to-image models: translations of the test images that their run was not trained on."""

from pathlib import Path

from sparring.errors import UserError
from sparring.models.translator import ImageToImageModel
from sparring.training.run.data import RunData


def load_validation(
    model: ImageToImageModel, run: Path, n: int, chosen: bool, data: str | None = None, changed_data: bool = False
) -> int:
    """Gives the model the test images of its run's data to translate; returns how many samples there are, at most n.

    Args:
        chosen: whether seeds, labels or a truncation were asked for, which such samples do not have.
        data, changed_data: as in `sparring.evaluate`.

    Raises:
        UserError: no run folder, data that can't be loaded, or choices that do not apply.
    """
    if chosen:
        raise UserError(f"{model.spec.recipe.name} translates test images: omit seeds, label and truncation")
    if not (run / "run.json").exists():
        raise UserError(f"{run} is no run folder, so its test images are unknown: use spar apply {run} IMAGES --out …")
    model.validation = RunData.of_run(run, data, changed_data).load().test
    return min(n, len(model.validation))
