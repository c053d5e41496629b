"""How a turn's parts become gradients: averaged over the batch, or the real term clipped per example and noised."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparring.game import Parts
from sparring.rng import PRIVACY, generator
from sparring.training.loop.compiled import CompiledTurn

LossWeight = Callable[[str], float]
"""The weight of a part, by its name."""


def weighted_sum(parts: Parts, weigh: LossWeight) -> Tensor:
    """Σ weight · mean(part)."""
    return torch.stack([weigh(name) * part.mean() for name, part in parts.items()]).sum()


class MeanGradients:
    """Plain back-propagation of the mean."""

    def add(
        self, play: CompiledTurn, inputs: tuple[Any, ...], learners: list[nn.Parameter], weigh: LossWeight, share: float
    ) -> tuple[Parts, dict[str, Tensor]]:
        """Adds `share` (1 / micro-batches) of this slice's gradient to the learners' `.grad`.

        Returns parts and notes.
        """
        parts, notes = play.run(*inputs)
        (weighted_sum(parts, weigh) * share).backward()
        return parts, notes

    def finish(self, play: CompiledTurn, learners: list[nn.Parameter], batch: int, opened: int) -> None:
        """Once all slices of a turn are in, before ranks are averaged; `batch` is the global one."""


class Private(MeanGradients):
    """g = (1/L)[Σᵢ clip_C(∇ℓ_real,i) + N(0, σ²C²)] + ∇ℓ_rest: the real term alone sees private data.

    Abadi et al. 2016 (arXiv:1607.00133), algorithm 1, on the critic's real term. Only separable objectives have one.

    Args:
        clip: C, the bound on one example's gradient norm.
        noise: σ, in units of C.
        seed: of the noise, which is the same on every rank.
    """

    term = "real"

    def __init__(self, clip: float, noise: float, seed: int):
        self.clip, self.noise, self.seed = clip, noise, seed
        self._clipped = False  # whether this turn saw private data, and so owes noise

    def add(self, play, inputs, learners, weigh, share):
        parts, notes = play.run(*inputs)
        if rest := {name: part for name, part in parts.items() if name != self.term}:
            (weighted_sum(rest, weigh) * share).backward()
        if self.term in parts:
            self._add_clipped(play, inputs, learners, weigh(self.term), share)
        return parts, notes

    def _add_clipped(self, play, inputs, learners, weight, share):
        self._clipped = True
        names = {id(p): name for name, p in play.named_parameters()}
        parameters = {names[id(p)]: p.detach() for p in learners}

        def term(parameters: dict[str, Tensor], example: tuple[Any, ...]) -> Tensor:
            alone = pytree.tree_map_only(Tensor, lambda x: x[None], example)
            parts, _ = torch.func.functional_call(play, parameters, alone)
            return weight * parts[self.term].sum()

        axes = pytree.tree_map(lambda x: 0 if isinstance(x, Tensor) else None, inputs)
        gradients = torch.func.vmap(torch.func.grad(term), in_dims=(None, axes))(parameters, inputs)
        norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients.values()]).sum(0).sqrt()
        scale = (self.clip / norms.clamp(min=1e-12)).clamp(max=1)  # (n,)
        for p, gradient in zip(learners, gradients.values(), strict=True):
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad += torch.einsum("n,n...->...", scale, gradient) * (share / len(scale))

    def finish(self, play, learners, batch, opened):
        if not self._clipped:
            return
        self._clipped = False
        g = generator(learners[0].device, self.seed, PRIVACY, opened)
        for p in learners:
            noise = torch.randn(p.shape, generator=g, device=p.device, dtype=p.dtype)
            assert p.grad is not None
            p.grad += noise * (self.noise * self.clip / batch)
