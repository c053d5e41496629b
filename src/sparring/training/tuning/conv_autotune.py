"""Which convolutions this machine computes quicker as matrix products: measured once, and kept in the cache."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.models.model import Model
from sparring.networks.layers.conv_gemm import OPERATIONS, fits, forward, operations, sides, twin
from sparring.networks.layers.conv_ops import Operations
from sparring.training.loop.loop import Loop
from sparring.training.loop.precision import PRECISIONS
from sparring.training.loop.precision import precision as chosen_format
from sparring.training.tuning.timing_cache import cached_timing

WORTH = 0.9
"""A product is chosen if it takes at most this share of the time."""
LEAST = 1e-3
"""Seconds it must save: a twin's operations go through Python, and small layers lose by it (digits of 8×8: a round of
9.8 ms became 11.9)."""
TIMES, CLEAR = 5, (0.6, 1.5)
LONG = 500
"""Rounds of a run for which measuring is worth while."""
MANY = 10_000
"""Samples for which it is."""
LONGEST = 2**28
"""Numbers in the patches of a layer's batch above which memory is worth more than time."""


def autotune(loop: Loop) -> tuple[str, ...]:
    """Operations that are to be products, by player, layer and name, such as "D.8.weight".

    Plays a round, so the loop must be one that is thrown away.
    """
    dtype = loop.settings.autocast or torch.float32
    return select_lowered(dict(loop.game.players.items()), loop.round, dtype, lambda layer: OPERATIONS)


@contextmanager
def autotuned_sampling(model: Model, n: int, precision: str = "fp32") -> Iterator[None]:
    """Has the model make n samples in less time, if it is worth while to find out how. They are the same but for
    rounding.

    Args:
        precision: a name of `PRECISIONS`; what "auto" leaves open is tried, where that is worth while.

    Raises:
        UserError: a precision that is not there.
    """
    device, many = next(model.G.parameters()).device, n >= MANY
    name = chosen_format(precision, device, model.spec.recipe.medium)

    def draw() -> Tensor:
        return model.forward(model.draw_inputs(0))

    def in_bf16() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return draw()

    def measure(asked: list[str]) -> dict[str, bool]:
        return dict.fromkeys(asked, _faster(in_bf16, draw))

    if name == "auto":
        about = [repr(model.spec.recipe), model.shape]
        name = "bf16" if many and cached_timing("drawing", about, ["bf16"], measure)["bf16"] else "fp32"
    dtype = PRECISIONS[name]
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        if many and device.type == "cpu":
            products = select_lowered({"G": model.G}, draw, dtype or torch.float32, forward)
            apply_lowering(model.players, products)
        yield


def select_lowered(
    players: Mapping[str, nn.Module],
    play: Callable[[], object],
    dtype: torch.dtype,
    asked: Callable[[nn.Module], Sequence[str]],
) -> tuple[str, ...]:
    """Operations of the players' layers that are to be products, of those asked for, by what layers see in `play`."""
    layers = {
        f"{player}.{name}": layer
        for player, net in players.items()
        for name, layer in net.named_modules()
        if name and fits(layer)
    }
    if not layers:
        return ()
    seen: dict[str, Tensor] = {}

    def look(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda layer, inputs: seen.update({name: inputs[0].detach()})

    hooks = [layer.register_forward_pre_hook(look(name)) for name, layer in layers.items()]
    play()
    for hook in hooks:
        hook.remove()
    return tuple(
        f"{name}.{operation}"
        for name, layer in layers.items()
        if name in seen
        for operation in _known(layer, seen[name].to(dtype), asked(layer))
    )


def apply_lowering(players: Mapping[str, nn.Module], products: Sequence[str]) -> None:
    """Puts twins in the place of the layers that these are operations of. Raises UserError for a layer not there."""
    wanted: dict[str, set[str]] = {}
    for name in products:
        layer, _, operation = name.rpartition(".")
        wanted.setdefault(layer, set()).add(operation)
    for name, found in wanted.items():
        player, _, inner = name.partition(".")
        try:
            net = players[player]
            layer = net.get_submodule(inner)
        except (KeyError, AttributeError):
            raise UserError(f"no layer {name} to compute as a product: are these the run's networks?") from None
        net.set_submodule(inner, twin(layer, frozenset(found)))


def _known(layer: nn.Module, x: Tensor, asked: Sequence[str]) -> list[str]:
    """Of the operations asked for, those that were quicker when such a layer was measured on such a machine, or are
    now."""
    about = [type(layer).__name__, layer.extra_repr(), [*x.shape], str(x.dtype)]
    held = cached_timing("layers", about, asked, lambda missing: _measured(layer, x, missing))
    return [operation for operation in asked if held[operation]]


@torch.no_grad()
def _measured(layer: nn.Module, x: Tensor, asked: Sequence[str]) -> dict[str, bool]:
    weight = layer.get_parameter("weight").detach().to(x.dtype).contiguous(memory_format=torch.channels_last)
    library, product = operations(layer), operations(layer, frozenset(OPERATIONS))
    if isinstance(layer, nn.ConvTranspose2d):
        wide, narrow = x.new_zeros(len(x), layer.out_channels, *sides(layer, x)), x
    else:
        wide, narrow = x, library.gather(x, weight)
    if narrow[:, 0].numel() * weight[0].numel() > LONGEST:
        return dict.fromkeys(asked, False)
    wide, narrow = (torch.randn_like(like).contiguous(memory_format=torch.channels_last) for like in (wide, narrow))
    size = (wide.shape[2], wide.shape[3])
    calls: dict[str, Callable[[Operations], Tensor]] = {
        "gather": lambda of: of.gather(wide, weight),
        "scatter": lambda of: of.scatter(narrow, weight, size),
        "weight": lambda of: of.weight(wide, narrow),
    }
    return {name: _faster(partial(calls[name], product), partial(calls[name], library)) for name in asked}


def _faster(a: Callable[[], Tensor], b: Callable[[], Tensor]) -> bool:
    """Whether `a` is worth its place, by the best of a few runs; of fewer where it is clear."""
    best = [float("inf"), float("inf")]
    for i in range(TIMES):
        for k, call in enumerate((a, b)):
            start = time.perf_counter()
            call()
            best[k] = min(best[k], time.perf_counter() - start)
        if i and not CLEAR[0] < best[0] / best[1] < CLEAR[1]:
            break
    return best[0] <= WORTH * best[1] and best[1] - best[0] >= LEAST
