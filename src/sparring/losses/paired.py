"""Loss terms that compare a generated image with its right answer."""

import torch
from torch import Tensor

from sparring.game import FunctionTerm, Verdict, l1_per_example, per_example
from sparring.losses.ssim import ssim


class Distance(FunctionTerm):
    """Of a picture from the right answer; no critic is asked."""


def _from_right(verdict: Verdict) -> Tensor:
    assert isinstance(verdict.real, Tensor) and isinstance(verdict.fake, Tensor)
    return l1_per_example(verdict.real, verdict.fake)


def _unlike(verdict: Verdict) -> Tensor:
    assert isinstance(verdict.real, Tensor) and isinstance(verdict.fake, Tensor)
    # Variances are differences of squares: half precision has nothing left of them.
    with torch.autocast(verdict.real.device.type, enabled=False):
        return 1 - ssim(*(127.5 * (image.float() + 1) for image in (verdict.real, verdict.fake)))


def _maps_apart(verdict: Verdict) -> Tensor:
    real, fake = verdict.output_real.extras, verdict.output_fake.extras
    return torch.stack([l1_per_example(real[name].detach(), fake[name]) for name in fake]).mean(0)


distance = Distance("l1", _from_right)
"""|y − G(x)|, the mean over pixels. Section 3.1, eq. 3, weighed by λ = 100 on the paper's range, [−1, 1]."""


structure = Distance("structure", _unlike)
"""1 − SSIM(y, G(x)). Zhao et al. 2017 (arXiv:1511.08861), section III.B, beside L1."""


matching = FunctionTerm("matching", _maps_apart)
"""|D_l(y) − D_l(G(x))|, the mean over the critic's layers. Wang et al. 2018 (arXiv:1711.11585), eq. 4, λ = 10."""


def _astray(verdict: Verdict) -> Tensor:
    x, z = verdict.real
    decoded, _ = verdict.regenerate({"z": z})
    return per_example((x - decoded).square())


cycle = FunctionTerm("cycle", _astray)
"""(x − G(E(x)))², the mean over pixels: ALICE, Li et al. 2017 (arXiv:1709.01215), section 3.1. Of pairs alone."""
