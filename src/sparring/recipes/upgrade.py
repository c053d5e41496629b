"""Recipes as files of format 1 hold them: the options of all games were fields of `Recipe`, under other names."""

from collections.abc import Mapping
from typing import Any

RENAMED_FIELDS = {"medium": "modality", "leading": "selection_metric", "half_life": "ema_half_life", "ramp": "ema_ramp"}
RENAMED_OPTIONS = {
    "fresh": "resample_each_turn",
    "phase": "images_per_phase",
    "damage": "degradations",
    "pool": "image_pool",
    "places": "nce_patches",
    "mirrors": "flip_equivariance",
}
"""Names of format 1 → today's."""

FIELDS: dict[str, Any] = {
    **dict.fromkeys(("name", "paper", "about", "generator", "critic"), ...),
    "encoder": None,
    "plays": "gan",
    "medium": "image",
    "conditioning": "",
    "methods": (),
    "objective": "non-saturating",
    "penalties": (),
    "weights": ...,
    "z": 100,
    "categories": 0,
    "codes": 0,
    "critic_steps": 1,
    "fresh": False,
    "penalty_every": 1,
    "generator_penalty_every": 1,
    "clip": 0.0,
    "smoothing": 0.0,
    "noise": 0.0,
    "augment": (),
    "augment_p": 1.0,
    "augment_target": 0.0,
    "top_k": 1.0,
    "pack": 1,
    "phase": 0,
    "unroll": 0,
    "unroll_rate": 0.01,
    "damage": (),
    "warm_up": 0,
    "leading": "",
    "pool": 50,
    "places": 256,
    "mirrors": False,
    "batch": 64,
    "images": 600_000,
    "lr": 2e-4,
    "critic_lr": None,
    "beta1": 0.5,
    "beta2": 0.999,
    "half_life": 10_000,
    "ramp": 0.05,
}
"""The fields of format 1 in their order, with their defaults; `...`: none."""

_GAN = ("objective", "smoothing", "top_k", "penalties", "penalty_every", "generator_penalty_every", "critic_steps")
_GAN += ("fresh", "clip", "methods")
_AUGMENTED = (*_GAN, "noise", "augment", "augment_p", "augment_target", "pack")
_PAIRED = (*_GAN, "augment", "augment_p", "warm_up")
OPTIONS_OF = {
    "gan": (*_AUGMENTED, "conditioning", "unroll", "unroll_rate"),
    "progressive": (*_AUGMENTED, "phase"),
    "ali": (*_GAN, "noise"),
    "vae-gan": (*_GAN, "noise"),
    "pix2pix": _PAIRED,
    "restoration": (*_PAIRED, "damage"),
    "cyclegan": ("objective", "smoothing", "pool"),
    "cut": (*_GAN, "places", "mirrors"),
    "stargan": (*_GAN, "conditioning"),
}
"""The options of each game; it refused or ignored those of others."""
ALL_OPTIONS = {name for names in OPTIONS_OF.values() for name in names}


def recipe_from_v1(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Recipe` from those in a run.json or model.json of format 1.

    A mapping with today's fields is returned as it is. Unknown fields stay, for validation to refuse. Raises TypeError
    for what is no mapping.
    """
    if not isinstance(recipe, Mapping):
        raise TypeError("a recipe is a JSON object")
    if "game" in recipe:
        return dict(recipe)
    game = recipe.get("plays", FIELDS["plays"])
    options = {name: recipe.get(name, FIELDS[name]) for name in OPTIONS_OF.get(game, ())}
    rest = {name: value for name, value in recipe.items() if name != "plays" and name not in ALL_OPTIONS}
    choice = {"name": game, "options": {RENAMED_OPTIONS.get(name, name): value for name, value in options.items()}}
    return {RENAMED_FIELDS.get(name, name): value for name, value in rest.items()} | {"game": choice}


def recipe_to_v1(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of format 1, in their order: the inverse of `recipe_from_v1`.

    Args:
        recipe: the fields of a `Recipe` with all options of its game (`sparring.build.game.with_all_options`).
    """
    game = recipe["game"]
    options = {name: game["options"].get(RENAMED_OPTIONS.get(name, name), FIELDS[name]) for name in ALL_OPTIONS}
    fields = {name: recipe[RENAMED_FIELDS.get(name, name)] for name in FIELDS if name not in {*ALL_OPTIONS, "plays"}}
    values = fields | options | {"plays": game["name"]}
    return {name: values[name] for name in FIELDS}
