"""A round of a recipe, timed on this machine with random images in memory."""

from dataclasses import replace

import torch
from torch import Tensor

from sparring.build.game import build_game
from sparring.build.image_to_image import input_shape
from sparring.recipes import Recipe
from sparring.recipes.recipe import Shape
from sparring.training.loop import precision as machine
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import PRECISIONS
from sparring.training.loop.settings import loop_settings
from sparring.training.profile.forecast import round_time
from sparring.training.tuning.precision_autotune import select_precision


class RandomImages:
    """n images of a shape in [−1, 1], with classes in turn if there are any, or images of another shape."""

    def __init__(self, n: int, shape: Shape, classes: int, device: torch.device, inputs: Shape | None = None):
        self.x = torch.rand(n, *shape, device=device) * 2 - 1
        self.given = torch.arange(n, device=device) % classes if classes else None
        if inputs is not None:
            self.given = torch.rand(n, *inputs, device=device) * 2 - 1

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x[indices], None if self.given is None else self.given[indices]


def measured_round(recipe: Recipe, shape: Shape, batch: int, classes: int = 0) -> float:
    """Seconds of a round, a median. Raises UserError for a shape the recipe's networks can't make."""
    device = machine.device("auto")
    recipe = replace(recipe, batch=batch)
    given = recipe.is_image_to_image and not recipe.damage and not classes
    inputs = input_shape(recipe, shape) if given else None

    def loop(precision: str) -> Loop:
        game = build_game(recipe, shape, {}, classes).to(device)
        game.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        images = RandomImages(4 * batch, shape, classes, device, inputs)
        return Loop(game, images, loop_settings(recipe, autocast=PRECISIONS[precision]))

    return round_time(loop(select_precision(recipe, shape, device, loop)))
