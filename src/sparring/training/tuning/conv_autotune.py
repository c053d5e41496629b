"""Convolutions that this machine computes faster as matrix products (`networks/layers/conv_gemm.py`)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.networks.layers.conv_gemm import OPERATIONS, conv_operations, is_lowerable, lowered_conv, output_sides
from sparring.networks.layers.conv_ops import ConvOperations
from sparring.training.tuning import timing_cache

MAX_PATCHES = 2**28
"""Values in the patch matrix of a layer above which it is not lowered, to save memory."""


def select_lowered(
    players: Mapping[str, nn.Module],
    play: Callable[[], object],
    dtype: torch.dtype,
    operations: Callable[[nn.Module], Sequence[str]],
) -> tuple[str, ...]:
    """Operations that are faster as matrix products, by player, layer and operation, such as "D.8.weight".

    Args:
        play: runs the players; layers are timed at the shapes of their inputs.
        operations: the candidates of a layer.
    """
    layers = {
        f"{player}.{name}": layer
        for player, net in players.items()
        for name, layer in net.named_modules()
        if name and is_lowerable(layer)
    }
    if not layers:
        return ()
    inputs: dict[str, Tensor] = {}

    def record_input(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda layer, arguments: inputs.update({name: arguments[0].detach()})

    hooks = [layer.register_forward_pre_hook(record_input(name)) for name, layer in layers.items()]
    play()
    for hook in hooks:
        hook.remove()
    return tuple(
        f"{name}.{operation}"
        for name, layer in layers.items()
        if name in inputs
        for operation in _faster_operations(layer, inputs[name].to(dtype), operations(layer))
    )


def apply_lowering(players: Mapping[str, nn.Module], lowered: Sequence[str]) -> None:
    """Replaces the layers of these operations by lowered ones on the same parameters.

    Raises UserError for a layer that does not exist.
    """
    operations: dict[str, set[str]] = {}
    for name in lowered:
        layer, _, operation = name.rpartition(".")
        operations.setdefault(layer, set()).add(operation)
    for name, of_layer in operations.items():
        player, _, path = name.partition(".")
        try:
            layer = players[player].get_submodule(path)
        except (KeyError, AttributeError):
            raise UserError(f"no layer {name} to compute as a product: are these the run's networks?") from None
        players[player].set_submodule(path, lowered_conv(layer, frozenset(of_layer)))


def _faster_operations(layer: nn.Module, x: Tensor, names: Sequence[str]) -> list[str]:
    subject = [type(layer).__name__, layer.extra_repr(), [*x.shape], str(x.dtype)]
    faster = timing_cache.cached_timing("layers", subject, names, lambda missing: _measure(layer, x, missing))
    return [name for name in names if faster[name]]


@torch.no_grad()
def _measure(layer: nn.Module, x: Tensor, names: Sequence[str]) -> dict[str, bool]:
    weight = layer.get_parameter("weight").detach().to(x.dtype).contiguous(memory_format=torch.channels_last)
    library, gemm = conv_operations(layer), conv_operations(layer, frozenset(OPERATIONS))
    if isinstance(layer, nn.ConvTranspose2d):
        wide, narrow = x.new_zeros(len(x), layer.out_channels, *output_sides(layer, x)), x
    else:
        wide, narrow = x, library.gather(x, weight)
    if narrow[:, 0].numel() * weight[0].numel() > MAX_PATCHES:
        return dict.fromkeys(names, False)
    wide, narrow = (torch.randn_like(like).contiguous(memory_format=torch.channels_last) for like in (wide, narrow))
    size = (wide.shape[2], wide.shape[3])
    calls: dict[str, Callable[[ConvOperations], Tensor]] = {
        "gather": lambda operations: operations.gather(wide, weight),
        "scatter": lambda operations: operations.scatter(narrow, weight, size),
        "weight": lambda operations: operations.weight(wide, narrow),
    }
    return {name: timing_cache.is_faster(partial(calls[name], gemm), partial(calls[name], library)) for name in names}
