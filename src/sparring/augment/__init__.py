"""Differentiable augmentation of the critic's inputs, for small data sets.

Real and generated images are augmented alike, so the critic can't memorise the data and the generator does not learn
the augmentations: Karras et al. 2020 (arXiv:2006.06676), section 2.2. Gradient penalties differentiate through it.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from sparring.augment.moves import MOVES
from sparring.augment.tints import TINTS
from sparring.augment.warp import warp
from sparring.errors import lookup
from sparring.game import Draw, Parts, ScheduledBuffer, Verdict, per_example
from sparring.priors import uniform

GROUPS = {
    "diffaugment": ("translation", "brighten", "saturate", "contrast", "cutout"),
    "ada": ("flip", "quarter", "translation", "scale", "squeeze", "rotation", "offset")
    + ("brightness", "gain", "luma", "hue", "saturation"),
}
"""Policies: Zhao et al. 2020 (arXiv:2006.10738), with p = 1; Karras et al. 2020, "bgc"."""


def expand_groups(names: Sequence[str]) -> list[str]:
    """Single augmentations of names and groups, without repetition. Raises UserError for an unknown name."""
    single = {name: (name,) for name in (*MOVES, *TINTS)}
    return list(dict.fromkeys(one for name in names for one in lookup(GROUPS | single, "augmentation", name)))


class Augment(nn.Module):
    """Applies each augmentation to each example (n, c, h, w) with probability p: geometric ones first, in one warp.

    Args:
        names: of `MOVES`, `TINTS` and `GROUPS`.
        p: the probability as its `value`: a `ScheduledBuffer`, or `Adaptive`.
    """

    def __init__(self, names: Sequence[str], p: "ScheduledBuffer | Adaptive"):
        super().__init__()
        single = expand_groups(names)
        self.moves = [MOVES[name] for name in MOVES if name in single]
        self.tints = [TINTS[name] for name in TINTS if name in single]
        self.p = p
        self.numbers = sum(1 + k for _, k in (*self.moves, *self.tints))
        self.draw = uniform(self.numbers)

    def forward(self, x: Tensor, u: Tensor) -> Tensor:
        """Augmented examples; u (n, numbers) from U[0, 1) determines the augmentations."""
        columns = iter(u.split([size for _, k in (*self.moves, *self.tints) for size in (1, k)], 1))
        if self.moves:
            maps = torch.eye(3, dtype=u.dtype, device=u.device).expand(len(x), 3, 3)
            for move, _ in self.moves:
                applied, numbers = next(columns) < self.p.value, next(columns)
                moved = move(numbers, (x.shape[2], x.shape[3])) @ maps
                maps = torch.where(applied[:, :, None], moved, maps)
            x = warp(x, maps)
        for tint, _ in self.tints:
            applied, numbers = next(columns) < self.p.value, next(columns).to(x.dtype)
            x = torch.where(applied[:, :, None, None], tint(x, numbers), x)
        return x


class Adaptive(nn.Module):
    """Adaptive probability (ADA): rises while r_t = E[sign D(x)] exceeds its target. Karras et al. 2020, section 3.1.

    As a loss term of the critic it reports r_t, without a gradient; it adapts after each step of the critic.

    Args:
        target: of r_t, in (0, 1); the paper's is .6.
        images: number over which p can rise from 0 to 1.
        pack: examples per input of the critic.
    """

    name, coupled = "r_t", False
    draws: Mapping[str, Draw] = {}
    value: Tensor

    def __init__(self, target: float = 0.6, images: int = 500_000, pack: int = 1):
        super().__init__()
        self.target, self.images, self.pack = target, images, pack
        self.register_buffer("value", torch.zeros(()))

    def forward(self, verdict: Verdict) -> Tensor:
        return per_example(verdict.on_real).sign().detach()

    def notes(self, verdict: Verdict) -> Parts:
        return {"sign": self(verdict)}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        signs = notes["sign"]
        self.value += (signs.mean() - self.target).sign() * len(signs) * self.pack / self.images
        self.value.clamp_(0, 1)
