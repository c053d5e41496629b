"""Vector-Jacobian products that can be differentiated again, eager or compiled."""

from collections.abc import Callable

import torch
from torch import Tensor

Inputs = Tensor | tuple[Tensor, ...]


def value_and_vjp(f: Callable[[Inputs], tuple[Tensor, dict[str, Tensor]]], x: Inputs, y: Tensor | None = None):
    """Returns value, extras and Jᵀy for f(x) = (value, extras); y defaults to ones. The result is differentiable.

    When compiling, uses `torch.func.vjp`, the only double backward that `torch.compile` supports; it does not support
    batch norm. Otherwise uses autograd, which does.
    """
    if torch.compiler.is_compiling():
        value, pull, extras = torch.func.vjp(f, x, has_aux=True)  # pyright: ignore[reportAssignmentType]
        return value, extras, pull(torch.ones_like(value) if y is None else y)[0]
    leaves = tuple(t if t.requires_grad else t.detach().requires_grad_() for t in (x if isinstance(x, tuple) else (x,)))
    value, extras = f(leaves if isinstance(x, tuple) else leaves[0])
    slopes = torch.autograd.grad(value, leaves, torch.ones_like(value) if y is None else y, create_graph=True)
    return value, extras, slopes if isinstance(x, tuple) else slopes[0]
