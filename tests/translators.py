"""Small translators with weights of chance, and pictures to give them."""

import numpy as np
import torch
from torch import nn

from sparring.build.game import build_generator
from sparring.build.overrides import with_flags
from sparring.models.model import ModelSpec
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES

SMALL = {
    "denoise": {"generator.width": "4", "generator.levels": "1", "generator.dilations": "1"},
    "upscale": {"generator.width": "6", "generator.growth": "4", "generator.blocks": "1", "damage": "downscale:2"},
    "pix2pix": {"generator.width": "4", "generator.widest": "8"},
}
SMALL |= {"stargan": {"generator.width": "4", "generator.blocks": "1"}}
CLASSES = {"stargan": ("cat", "dog")}
SMALL |= {"inpaint": SMALL["denoise"], "colorize": SMALL["denoise"]}


def model(name: str) -> ImageToImageModel:
    torch.manual_seed(0)
    recipe = with_flags(RECIPES[name], SMALL[name])
    classes = CLASSES.get(name, ())
    G = build_generator(recipe, (3, 16, 16), len(classes))
    for p in G.parameters():
        if p.dim() > 1 and not p.any():
            nn.init.normal_(p, 0, 0.05)
    shares = tuple(1 / len(classes) for _ in classes)
    return ImageToImageModel(ModelSpec(recipe, (3, 16, 16), classes, shares), G)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
