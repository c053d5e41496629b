"""What the categories and codes of a latent came to mean: a picture of sweeps. Chen et al. 2016 (arXiv:1606.03657),
figure 2."""

import torch
from PIL import Image
from torch import Tensor

from sparring.errors import UserError
from sparring.models.model import Model

REACH = 2.0
"""Codes were trained on [−1, 1]; the paper shows twice that."""
STEPS = 11
GAP = 12
"""Pixels between the sweeps."""


def sweep(model: Model, code: int, seed: int = 0) -> Tensor:
    """A row a category, of one noise and the other codes at 0; `code` goes from −2 to 2: (categories · STEPS, …)."""
    recipe = model.spec.recipe
    noise = model.draw_inputs(seed)[0][:1, : recipe.z]
    z = torch.zeros(recipe.categories * STEPS, recipe.latent_dim)
    z[:, : recipe.z] = noise
    rows = torch.arange(recipe.categories).repeat_interleave(STEPS)
    z[torch.arange(len(z)), recipe.z + rows] = 1
    z[:, recipe.z + recipe.categories + code] = torch.linspace(-REACH, REACH, STEPS).repeat(recipe.categories)
    return model.decode([z])


def sweeps(model: Model, seed: int = 0) -> Image.Image:
    """A sheet for each code, side by side: down, the categories; across, the code from −2 to 2.

    Raises UserError for a model without codes.
    """
    recipe = model.spec.recipe
    if not recipe.codes:
        raise UserError("this model has no codes in its latent: train one that does (infogan)")
    sheets = [model.medium.picture(sweep(model, code, seed), STEPS) for code in range(recipe.codes)]
    width = sum(sheet.width for sheet in sheets) + GAP * (len(sheets) - 1)
    picture = Image.new("RGB", (width, sheets[0].height), "white")
    left = 0
    for sheet in sheets:
        picture.paste(sheet, (left, 0))
        left += sheet.width + GAP
    return picture
