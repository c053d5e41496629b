"""Settings chosen by timing on this machine: number format, and convolutions computed as matrix products.

The only module of this package that the rest of the code needs. Timings are cached, and a run records its choices.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.models.model import Model
from sparring.networks.layers.conv_gemm import OPERATIONS, forward_operations
from sparring.recipes import Recipe
from sparring.recipes.recipe import Shape
from sparring.training.loop import precision as formats
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import PRECISIONS
from sparring.training.tuning import timing_cache
from sparring.training.tuning.conv_autotune import apply_lowering, select_lowered
from sparring.training.tuning.round_time import round_time

MIN_ROUNDS, MIN_SAMPLES = 500, 10_000
"""A shorter run, or fewer samples, takes less time than the measurement saves."""
WARM, TIMED = 1, 3
"""Rounds in each number format before timing starts; rounds timed."""


@dataclass(frozen=True)
class MachineChoices:
    """How this machine computes a run's networks, as run.json records it. The results differ by rounding only."""

    lowered_convs: tuple[str, ...] = ()
    """Operations of convolutions computed as matrix products, such as "D.8.weight"."""

    def apply(self, players: Mapping[str, nn.Module]) -> None:
        """Replaces layers of the players. Raises UserError for a layer that does not exist."""
        apply_lowering(players, self.lowered_convs)


def measure_choices(loop: Loop) -> MachineChoices:
    """The fastest choices for a loop, found by playing a round: pass a disposable loop."""
    dtype = loop.settings.autocast or torch.float32
    return MachineChoices(select_lowered(dict(loop.game.players.items()), loop.round, dtype, lambda _: OPERATIONS))


def faster_precision(recipe: Recipe, shape: Shape, device: torch.device, new_loop: Callable[[str], Loop]) -> str:
    """A name of `PRECISIONS`: by timing on a CPU with bf16 units, otherwise by the kind of device.

    Units do not decide it alone: small and odd layers may lose more by casts than matrix products gain.

    Args:
        new_loop: creates a disposable loop in a precision.
    """
    if (name := formats.precision("auto", device)) != "auto":
        return name

    def measure(names: list[str]) -> dict[str, bool]:
        fp32, bf16 = new_loop("fp32"), new_loop("bf16")
        faster = round_time(bf16, WARM, TIMED) <= timing_cache.MAX_SHARE * round_time(fp32, WARM, TIMED)
        return dict.fromkeys(names, faster)

    subject = [repr(recipe), json.dumps(shape)]
    return "bf16" if timing_cache.cached_timing("formats", subject, ["bf16"], measure)["bf16"] else "fp32"


@contextmanager
def autotuned_sampling(model: Model, n: int, precision: str = "fp32") -> Iterator[None]:
    """Within it, the model generates n samples as fast as this machine can. Samples differ by rounding only.

    Args:
        precision: a name of `PRECISIONS`; "auto" is decided by timing if n is large, on a CPU with bf16 units.

    Raises:
        UserError: an unknown precision.
    """
    device, many = next(model.G.parameters()).device, n >= MIN_SAMPLES
    name = formats.precision(precision, device, model.modality.bf16_suffices)

    def sample() -> Tensor:
        return model.forward(model.draw_inputs(0))

    def sample_bf16() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return sample()

    def measure(names: list[str]) -> dict[str, bool]:
        return dict.fromkeys(names, timing_cache.is_faster(sample_bf16, sample))

    if name == "auto":
        subject = [repr(model.spec.recipe), model.shape]
        bf16 = many and timing_cache.cached_timing("drawing", subject, ["bf16"], measure)["bf16"]
        name = "bf16" if bf16 else "fp32"
    dtype = PRECISIONS[name]
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        if many and device.type == "cpu":
            lowered = select_lowered({"G": model.G}, sample, dtype or torch.float32, forward_operations)
            apply_lowering(model.players, lowered)
        yield
