"""Steps of a degradation: noise, blur, downscaling, JPEG, greyscale, edges, holes. `STEPS` is the registry."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad

from sparring.data.image.pixels import rgb_to_luma
from sparring.degrade.holes import boxes, strokes
from sparring.degrade.jpeg import jpeg
from sparring.errors import UserError, did_you_mean, one_line
from sparring.game import Draw

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    change: Callable[[Tensor, Tensor], Tensor]
    """Images (n, c, h, w) in [−1, 1] and the random input → images."""
    draw: Draw | None = None
    hides: bool = False
    """The random input is a mask (n, 1, h, w) of missing pixels."""
    scale: int = 1
    grey: bool = False

    def shape(self, before: Shape) -> Shape:
        """Shape of an image after this step."""
        channels, *sides = before
        return 1 if self.grey else channels, *(side // self.scale for side in sides)


def between(low: float, high: float) -> Draw:
    """One number from U[low, high) per example, (n, 1)."""

    def draw(n: int, shape: Shape, generator: torch.Generator) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, generator=generator, device=generator.device)

    return draw


def _noise(low: float, high: float) -> Step:
    def draw(n: int, shape: Shape, g: torch.Generator) -> Tensor:
        sigma = between(low, high)(n, shape, g).view(n, 1, 1, 1)
        return 2 * sigma * torch.randn(n, *shape, generator=g, device=g.device)

    return Step(lambda x, noise: (x + noise.to(x)).clamp(-1, 1), draw)


def _blur(low: float, high: float) -> Step:
    radius = math.ceil(3 * high)

    def change(x: Tensor, sigma: Tensor) -> Tensor:
        at = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
        taps = torch.softmax(-at.square() / (2 * sigma.to(x).square().clamp(min=1e-6)), 1)  # (n, 2·radius + 1)
        rows = taps.repeat_interleave(x.shape[1], 0)[:, None]
        flat = pad(x, (radius,) * 4, mode="replicate").flatten(0, 1)[None]
        flat = conv2d(conv2d(flat, rows[:, :, None], groups=len(rows)), rows[..., None], groups=len(rows))
        return flat.view(x.shape)

    return Step(change, between(low, high))


def _downscale(factor: float, other: float) -> Step:
    if factor != other or factor != int(factor):
        text = f"{factor:g}" if factor == other else f"{factor:g}-{other:g}"
        raise UserError(f"downscale:{text}: the factor must be one integer, such as 2 or 4")

    def change(x: Tensor, _: Tensor) -> Tensor:
        size = [side // int(factor) for side in x.shape[2:]]
        return interpolate(x, size, mode="bicubic", antialias=True).clamp(-1, 1)

    return Step(change, scale=int(factor))


def _grey(low: float, high: float) -> Step:
    return Step(lambda x, _: rgb_to_luma(x) if x.shape[1] == 3 else x[:, :1], grey=True)


def _edges(low: float, high: float) -> Step:
    """Maximum minus minimum of 3×3 pixels, per channel, as in `sparring.data.image.edges`."""
    return Step(lambda x, _: max_pool2d(x, 3, 1, 1) + max_pool2d(-x, 3, 1, 1) - 1)


def _jpeg(low: float, high: float) -> Step:
    return Step(jpeg, between(low, high))


def _box(low: float, high: float) -> Step:
    return Step(lambda x, _: x, boxes(low, high), hides=True)


def _strokes(low: float, high: float) -> Step:
    return Step(lambda x, _: x, strokes(int(low), int(high)), hides=True)


@dataclass(frozen=True)
class StepKind:
    make: Callable[[float, float], Step]
    about: str
    least: float = 0.0
    most: float = 0.0
    """Bounds of its numbers; 0 for a step without numbers."""


STEPS: dict[str, StepKind] = {
    "noise": StepKind(_noise, "Gaussian, σ of brightness 0 to 1", 0.001, 2),
    "blur": StepKind(_blur, "Gaussian, σ in pixels", 0.1, 20),
    "downscale": StepKind(_downscale, "factor, bicubic", 2, 16),
    "jpeg": StepKind(_jpeg, "quality", 5, 100),
    "grey": StepKind(_grey, "removes colour"),
    "edges": StepKind(_edges, "keeps edges only"),
    "box": StepKind(_box, "box-shaped hole, sides as a share of the image's", 0.02, 1),
    "strokes": StepKind(_strokes, "hole of this many brush strokes", 1, 20),
}


def parse_step(text: str) -> Step:
    """Parses "name", "name:number" or "name:low-high". Raises UserError for any other text."""
    name, _, numbers = text.partition(":")
    if name not in STEPS:
        raise UserError(f"unknown degradation '{one_line(name)}'{did_you_mean(name, STEPS)}; known: {', '.join(STEPS)}")
    kind = STEPS[name]
    if not kind.most:
        if numbers:
            raise UserError(f"damage '{one_line(text)}': {name} takes no number")
        return kind.make(0, 0)
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)(?:-(\d+\.?\d*|\.\d+))?", numbers)
    low, high = (float(match[1]), float(match[2] or match[1])) if match else (1.0, 0.0)
    if not kind.least <= low <= high <= kind.most:
        raise UserError(
            f"damage '{one_line(text)}': write {name}:NUMBER or {name}:LOW-HIGH, {kind.least:g} to {kind.most:g} "
            f"({kind.about})"
        )
    return kind.make(low, high)
