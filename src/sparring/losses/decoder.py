"""Self-supervised critic: reconstruction from its feature maps. Liu et al. 2021 (arXiv:2101.04775), section 3.2, eq. 2.

Two decoders of the critic reconstruct the real image from a small map, and a random quarter of it from the same
quarter of a larger map. The paper compares images by LPIPS; here the distance is L1.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.game import FunctionTerm, Verdict, l1_per_example
from sparring.losses.auxiliary import critic_output
from sparring.priors import uniform

Decode = Callable[[Tensor], Tensor]


def random_window(x: Tensor, place: Tensor, unit: int = 1) -> Tensor:
    """Windows (n, c, ⌈h/2⌉, ⌈w/2⌉) of x (n, c, h, w).

    Args:
        place: position of each window, (n, 2) in [0, 1): down, right.
        unit: positions and sides are multiples of so many pixels.
    """
    for axis in (2, 3):
        side = x.shape[axis] // unit
        half = -(-side // 2)
        start = (place[:, axis - 2] * (side - half + 1)).long().clamp(max=side - half)
        index = unit * start[:, None] + torch.arange(unit * half, device=x.device)
        x = x.take_along_dim(index.view(len(x), 1, *((-1, 1) if axis == 2 else (1, -1))), axis)
    return x


def reconstruction(small: Decode, large: Decode) -> FunctionTerm:
    """E|x − x̂| of real images decoded from the small map, and of quarters decoded from the large map.

    Images are averaged down to the size of the decoders' outputs.
    """

    def part(verdict: Verdict) -> Tensor:
        images, maps = critic_output(verdict.output_real, "seen"), critic_output(verdict.output_real, "large")
        whole, place = small(critic_output(verdict.output_real, "small")), verdict.draws["place"]
        window = random_window(maps, place)
        detail = large(window)
        scale = detail.shape[2] // window.shape[2]
        target = random_window(_averaged(images, scale * maps.shape[2], scale * maps.shape[3]), place, scale)
        return l1_per_example(whole, _averaged(images, *whole.shape[2:])) + l1_per_example(detail, target)

    return FunctionTerm("reconstruction", part, draws={"place": uniform(2)})


def _averaged(x: Tensor, height: int, width: int) -> Tensor:
    return interpolate(x, (height, width), mode="area")
