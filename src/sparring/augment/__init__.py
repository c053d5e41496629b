"""What a critic sees in place of an example, real or fake alike: moved, tinted, partly hidden. Where data is short, the
critic then can't learn it by heart, and the generator still learns the data, not its changes (Karras et al. 2020,
arXiv:2006.06676, section 2.2).

All of it is differentiable and made on the examples' device; a penalty's slopes go through it.
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
"""Names for many: Zhao et al. 2020 (arXiv:2006.10738), all with p = 1; Karras et al. 2020, what they call bgc."""


def expand_groups(names: Sequence[str]) -> list[str]:
    """Groups as what they stand for, each name once. Raises UserError for a name that is not there."""
    single = {name: (name,) for name in (*MOVES, *TINTS)}
    return list(dict.fromkeys(one for name in names for one in lookup(GROUPS | single, "augmentation", name)))


class Augment(nn.Module):
    """Changes each example (n, c, h, w) by each of these with probability p, independently: first all moves, in one
    warp, then tints.

    Args:
        names: of `MOVES`, `TINTS` and `GROUPS`.
        p: holds the probability as its `value`: a `Dial`, or `Adaptive`.
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
        """Examples, with their numbers."""
        columns = iter(u.split([size for _, k in (*self.moves, *self.tints) for size in (1, k)], 1))
        if self.moves:
            maps = torch.eye(3, dtype=u.dtype, device=u.device).expand(len(x), 3, 3)
            for move, _ in self.moves:
                taken, numbers = next(columns) < self.p.value, next(columns)
                moved = move(numbers, (x.shape[2], x.shape[3])) @ maps
                maps = torch.where(taken[:, :, None], moved, maps)
            x = warp(x, maps)
        for tint, _ in self.tints:
            taken, numbers = next(columns) < self.p.value, next(columns).to(x.dtype)
            x = torch.where(taken[:, :, None, None], tint(x, numbers), x)
        return x


class Adaptive(nn.Module):
    """The probability that keeps a critic from knowing real examples too well: r_t = E[sign D(x)] is the part this term
    of the critic's shows; it has no gradient. Karras et al. 2020, section 3.1, at each of the critic's steps.

    Args:
        target: of r_t, in (0, 1); the paper's is .6.
        images: over which p can rise from 0 to 1.
        pack: of them, what the critic judges at once.
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
