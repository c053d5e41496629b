"""A critic that keeps what it saw: Liu et al. 2021 (arXiv:2101.04775), section 3.2, eq. 2.

Decoders, the critic's own, make the real image of a small map, and a quarter of it of as much of a larger one. The
paper compares them by a network trained on photographs (LPIPS); here it is pixel by pixel.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.game import FunctionTerm, Verdict, l1_per_example
from sparring.losses.auxiliary import critic_output
from sparring.priors import uniform

Decode = Callable[[Tensor], Tensor]


def random_window(x: Tensor, place: Tensor, grain: int = 1) -> Tensor:
    """Windows (n, c, ⌈h/2⌉, ⌈w/2⌉) of x (n, c, h, w), each at its place (n, 2) in [0, 1): down, right.

    Args:
        grain: x is made of squares of so many pixels, which are not cut: sides are counted in these.
    """
    for axis in (2, 3):
        side = x.shape[axis] // grain
        half = -(-side // 2)
        start = (place[:, axis - 2] * (side - half + 1)).long().clamp(max=side - half)
        index = grain * start[:, None] + torch.arange(grain * half, device=x.device)
        x = x.take_along_dim(index.view(len(x), 1, *((-1, 1) if axis == 2 else (1, -1))), axis)
    return x


def reconstruction(small: Decode, large: Decode) -> FunctionTerm:
    """E|x − x̂| of whole real images, decoded from the small map, and of quarters, decoded from those of the large one.

    The images are what the critic saw, averaged down to the size of what is decoded.
    """

    def part(verdict: Verdict) -> Tensor:
        seen, maps = critic_output(verdict.output_real, "seen"), critic_output(verdict.output_real, "large")
        whole, place = small(critic_output(verdict.output_real, "small")), verdict.draws["place"]
        window = random_window(maps, place)
        detail = large(window)
        grain = detail.shape[2] // window.shape[2]
        shown = random_window(_averaged(seen, grain * maps.shape[2], grain * maps.shape[3]), place, grain)
        return l1_per_example(whole, _averaged(seen, *whole.shape[2:])) + l1_per_example(detail, shown)

    return FunctionTerm("reconstruction", part, draws={"place": uniform(2)})


def _averaged(x: Tensor, height: int, width: int) -> Tensor:
    return interpolate(x, (height, width), mode="area")
