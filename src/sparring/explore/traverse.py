"""Latent traversals of categories and codes: Chen et al. 2016 (arXiv:1606.03657), figure 2."""

import torch
from PIL import Image
from torch import Tensor

from sparring.errors import UserError
from sparring.errors.bounds import check_bounds
from sparring.models.model import Model
from sparring.priors import latent_slices

REACH = 2.0
"""Codes are trained on [−1, 1]; the paper shows twice that."""
STEPS = 11
GAP = 12
"""Pixels between the sheets."""


def sweep(model: Model, code: int, seed: int = 0) -> Tensor:
    """Samples as `code` goes from −2 to 2, a row a category, with one noise and the other codes at 0: (categories ·
    STEPS, …)."""
    recipe = model.spec.recipe
    parts = latent_slices(recipe.z, recipe.categories, recipe.codes)
    z = torch.zeros(recipe.categories * STEPS, recipe.latent_dim)
    z[:, parts["normal"]] = model.draw_inputs(seed)[0][:1, parts["normal"]]
    rows = torch.arange(recipe.categories).repeat_interleave(STEPS)
    z[torch.arange(len(z)), parts["categories"].start + rows] = 1
    z[:, parts["codes"].start + code] = torch.linspace(-REACH, REACH, STEPS).repeat(recipe.categories)
    return model.decode([z])


def sweeps(model: Model, seed: int = 0) -> Image.Image:
    """A sheet for each code, side by side: a row a category; across, the code from −2 to 2.

    Raises UserError for a model without codes.
    """
    check_bounds(seed=seed)
    recipe = model.spec.recipe
    if not recipe.codes:
        raise UserError("this model has no codes in its latent: train a recipe that has some (infogan)")
    sheets = [model.view(sweep(model, code, seed), STEPS).image for code in range(recipe.codes)]
    width = sum(sheet.width for sheet in sheets) + GAP * (len(sheets) - 1)
    picture = Image.new("RGB", (width, sheets[0].height), "white")
    left = 0
    for sheet in sheets:
        picture.paste(sheet, (left, 0))
        left += sheet.width + GAP
    return picture
