"""Loops on pictures of noise, for tests of recipes: played, stopped, and gone on with."""

from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor

from sparring.build.game import build_game
from sparring.build.overrides import recipe_flags, with_flags
from sparring.recipes import RECIPES, Recipe
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

NARROW = {
    "batch": "4", "critic.group": "4", "critic.mapping": "1", "generator.blocks": "1", "generator.dilations": "1",
    "generator.embedding": "8", "generator.group": "4", "generator.growth": "4", "generator.hidden": "16",
    "critic.hidden": "16", "generator.levels": "1", "generator.mapping": "1", "generator.w": "8", "image-pool": "3",
    "critic.blocks": "1", "nce-patches": "20",
} | {f"{side}.{size}": "8" for side in ("generator", "critic", "encoder") for size in ("width", "widest")}  # fmt: skip


def narrow(name: str, **changes: str) -> Recipe:
    """The recipe with small networks and batches, and with these numbers changed."""
    known = recipe_flags(RECIPES[name])
    return with_flags(RECIPES[name], {k: text for k, text in NARROW.items() if k in known} | changes)


def changed(recipe: Recipe, **changes) -> Recipe:
    """The recipe with other fields, or other options of its game."""
    own = {name: value for name, value in changes.items() if name in {f.name for f in fields(Recipe)}}
    return replace(recipe, **own).with_options(**{name: v for name, v in changes.items() if name not in own})


def shape_of(recipe: Recipe) -> tuple[int, ...]:
    """Of the smallest pictures that every such recipe can make."""
    return {"cogan": 2}.get(recipe.name, 3 if recipe.modality == "pair" else 1), 16, 16


def narrow_loop(recipe: Recipe, **machine) -> Loop:
    """On noise, with three classes or with other pictures given where the recipe wants them."""
    torch.manual_seed(0)
    shape, classes = shape_of(recipe), 3 * recipe.conditional
    given = Pictures(shape).x.flip(0) if recipe.modality == "pair" and not (recipe.degradations or classes) else None
    return Loop(
        build_game(recipe, shape, classes=classes), Pictures(shape, classes, given), loop_settings(recipe, **machine)
    )


class Pictures:
    """n images of a shape, uniform in [−1, 1]; classes are given in turn, or whatever is given."""

    def __init__(self, shape: tuple[int, ...], classes: int = 0, given: Tensor | None = None, n: int = 24):
        self.x = torch.rand(n, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        self.given = torch.arange(n) % classes if classes else given

    def __len__(self):
        return len(self.x)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x[indices], None if self.given is None else self.given[indices]


def resumed_to_the_bit(new: Callable[[], Loop], before: int = 2, after: int = 2) -> tuple[Loop, dict[str, Tensor]]:
    """Plays rounds before and after a state is taken, and those after it once more from that state: to the bit the
    same, every part finite, and every weight has moved. Returns the loop, and the parts of its last round."""
    loop, other = new(), new()
    start = {name: p.clone() for name, p in loop.game.players.named_parameters()}
    for _ in range(before):
        loop.round()
    state = {name: value.clone() for name, value in loop.state().items()}
    parts = [loop.round() for _ in range(after)][-1]
    torch.manual_seed(9)  # what a round draws is the round's own
    other.restore(state)
    for _ in range(after):
        other.round()
    assert all(torch.equal(value, other.state()[name]) for name, value in loop.state().items())
    assert all(torch.isfinite(part).all() for part in parts.values())
    still = [name for name, p in loop.game.players.named_parameters() if torch.equal(p, start[name])]
    assert not still, f"{still} never learnt"
    return loop, parts
