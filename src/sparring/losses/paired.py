"""Loss terms between a generated image and its target."""

import torch
from torch import Tensor

from sparring.game import FunctionTerm, Verdict, l1_per_example, per_example
from sparring.losses.ssim import ssim


class Distance(FunctionTerm):
    """A distance between output and target, without the critic."""


def _l1(verdict: Verdict) -> Tensor:
    assert isinstance(verdict.real, Tensor) and isinstance(verdict.fake, Tensor)
    return l1_per_example(verdict.real, verdict.fake)


def _dssim(verdict: Verdict) -> Tensor:
    assert isinstance(verdict.real, Tensor) and isinstance(verdict.fake, Tensor)
    # SSIM subtracts squares of similar size: half precision would lose all digits.
    with torch.autocast(verdict.real.device.type, enabled=False):
        return 1 - ssim(*(127.5 * (image.float() + 1) for image in (verdict.real, verdict.fake)))


def _feature_distance(verdict: Verdict) -> Tensor:
    real, fake = verdict.output_real.extras, verdict.output_fake.extras
    return torch.stack([l1_per_example(real[name].detach(), fake[name]) for name in fake]).mean(0)


distance = Distance("l1", _l1)
"""|y − G(x)|, the mean over pixels. Section 3.1, eq. 3; λ = 100 for images in [−1, 1]."""

structure = Distance("structure", _dssim)
"""1 − SSIM(y, G(x)). Zhao et al. 2017 (arXiv:1511.08861), section III.B, together with L1."""

matching = FunctionTerm("matching", _feature_distance)
"""|D_l(y) − D_l(G(x))|, the mean over the critic's layers. Wang et al. 2018 (arXiv:1711.11585), eq. 4, λ = 10."""


def _reconstruction_error(verdict: Verdict) -> Tensor:
    x, z = verdict.real
    decoded, _ = verdict.regenerate({"z": z})
    return per_example((x - decoded).square())


cycle = FunctionTerm("cycle", _reconstruction_error)
"""(x − G(E(x)))², the mean over pixels: ALICE, Li et al. 2017 (arXiv:1709.01215), section 3.1."""
