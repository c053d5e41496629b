"""The four concepts of adversarial training: game, round, turn and verdict.

- A *game* owns the players (networks) and all state.
- A *round* is one batch, its random inputs and the generator's output, shared by the turns of the round.
- A *turn* is one update: which players learn, and their loss.
- A *verdict* is a critic applied to a real and a fake sample.

Optimisers, devices, precision, ranks and checkpoints belong to `sparring.training`, not here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from sparring.vjp import value_and_vjp

Sample = Tensor | tuple[Tensor, ...]
"""Input of a critic: a tensor (n, …), or a tuple of tensors such as (x, z) in ALI."""

Draw = Callable[[int, tuple[int, ...], torch.Generator], Tensor]
"""Draws a random input: (n, shape of one real example, generator) → (n, …), on the generator's device."""

Parts = dict[str, Tensor]
"""Unweighted losses by name, each (n,) per example or a scalar; the loop averages, weighs and sums them."""


class CriticOutput(NamedTuple):
    """A critic's logits (n, …) with named extras, such as features, class logits or codes."""

    logits: Tensor
    extras: dict[str, Tensor]


Critic = Callable[[Sample], Tensor | CriticOutput]


def map_sample(f: Callable[[Tensor], Tensor], sample: Sample) -> Sample:
    """Applies `f` to a tensor, or to every tensor of a tuple."""
    return tuple(f(x) for x in sample) if isinstance(sample, tuple) else f(sample)


def _critic_output(critic: Critic, sample: Sample) -> CriticOutput:
    output = critic(sample)
    logits, extras = output if isinstance(output, CriticOutput) else (output, {})
    # Losses are computed in full precision.
    return CriticOutput(logits.to(torch.promote_types(logits.dtype, torch.float32)), extras)


class Round:
    """Data shared by the turns of one round.

    Args:
        real: the batch, (n, …) or a tuple.
        condition: labels, attributes or input images of the batch, (n, …), or None.
        latent: random inputs by name: those of the game and those that the turns declare in `draws`.
        fake: the generator's output, computed once; part of the graph only in turns in which a generator learns.

    A turn may store per-example values (n, …) in `notes`; its `after` receives them for the whole batch.
    """

    def __init__(
        self, real: Sample, condition: Tensor | None, latent: Mapping[str, Tensor], fake: Sample | None = None
    ):
        self.real, self.condition, self.latent = real, condition, latent
        self._fake = fake
        self.notes: dict[str, Tensor] = {}

    @property
    def fake(self) -> Sample:
        if self._fake is None:
            raise RuntimeError("this turn sets uses_fake = False, but its loss reads round.fake")
        return self._fake


Transform = Callable[[Sample], Sample]
"""Applied to samples before the critic, such as an augmentation."""

Regenerate = Callable[[Mapping[str, Tensor]], Sample]
"""Runs the generator on other latents, by name; the rest of the round's latents stay the same."""


class Verdict:
    """A critic applied to a real and a fake sample; logits and slopes are computed on first use and cached.

    A slope is the gradient of each example's logit with respect to that example; it is differentiable. Use slopes
    before logits: computing a slope also yields the logits, which saves a penalty its forward pass.

    Args:
        draws: random inputs, one row per example that the critic sees (a pack counts as one).
        condition: labels or attributes of the examples.
        latent: random inputs, one row per example that the generator makes; defaults to `draws`.
        regenerate: runs the generator again.
        transforms: by side ("real", "fake"), applied before the critic; slopes are those of the original samples.
    """

    def __init__(
        self,
        critic: Critic,
        real: Sample,
        fake: Sample,
        draws: Mapping[str, Tensor] | None = None,
        condition: Tensor | None = None,
        latent: Mapping[str, Tensor] | None = None,
        regenerate: Regenerate | None = None,
        transforms: Mapping[str, Transform] | None = None,
    ):
        self.critic, self.real, self.fake, self.draws, self.condition = critic, real, fake, draws or {}, condition
        self.latent, self._regenerate = self.draws if latent is None else latent, regenerate
        self._transforms = transforms or {}
        self._outputs: dict[str, CriticOutput] = {}
        self.cache: dict[str, Tensor] = {}
        """Intermediate results that a loss term keeps for its `notes`."""

    def regenerate(self, latent: Mapping[str, Tensor]) -> Sample:
        """The fake of other latents, noisy and packed as the critic sees it."""
        if self._regenerate is None:
            raise RuntimeError("this verdict has no generator: pass regenerate= to Verdict")
        return self._regenerate(latent)

    def forward(self, sample: Sample, side: str = "real") -> CriticOutput:
        """The critic's output for any sample, transformed like the samples of a side."""
        return _critic_output(self.critic, self._transforms[side](sample) if side in self._transforms else sample)

    def _on(self, side: str) -> CriticOutput:
        if side not in self._outputs:
            self._outputs[side] = self.forward(getattr(self, side), side)
        return self._outputs[side]

    def _slope_on(self, side: str) -> Sample:
        self._outputs[side], slope = self._output_and_slope(getattr(self, side), side)
        return slope

    def _output_and_slope(self, x: Sample, side: str) -> tuple[CriticOutput, Sample]:
        logits, extras, slope = value_and_vjp(lambda x: self.forward(x, side), x)
        return CriticOutput(logits, extras), slope

    @property
    def output_real(self) -> CriticOutput:
        return self._on("real")

    @property
    def output_fake(self) -> CriticOutput:
        return self._on("fake")

    @property
    def on_real(self) -> Tensor:
        return self.output_real.logits

    @property
    def on_fake(self) -> Tensor:
        return self.output_fake.logits

    @cached_property
    def slope_real(self) -> Sample:
        return self._slope_on("real")

    @cached_property
    def slope_fake(self) -> Sample:
        return self._slope_on("fake")

    def slope(self, x: Sample) -> Sample:
        """∇ₓ of the critic's logits at any x, shaped like x; x is transformed like real samples."""
        return self._output_and_slope(x, "real")[1]


class LossTerm(Protocol):
    """A loss term besides the objective, such as a penalty; unweighted.

    The loop draws the random inputs (`draws`) for the whole batch, so that micro-batches do not change them. A term
    with running statistics is an `nn.Module`: `notes` returns detached per-example values (n, …), and `after` updates
    the statistics from those of the whole batch, after the player's optimiser step.
    """

    @property
    def name(self) -> str: ...
    @property
    def draws(self) -> Mapping[str, Draw]: ...
    @property
    def coupled(self) -> bool: ...
    def __call__(self, verdict: Verdict) -> Tensor: ...
    def notes(self, verdict: Verdict) -> Parts: ...
    def after(self, notes: Mapping[str, Tensor]) -> None: ...


@dataclass(frozen=True)
class FunctionTerm:
    """A loss term that is a function of the verdict, without state."""

    name: str
    fn: Callable[[Verdict], Tensor]
    """Returns (n,) per example, or a scalar."""
    draws: Mapping[str, Draw] = field(default_factory=dict)
    coupled: bool = False
    """Whether the loss of an example depends on the rest of the batch."""

    def __call__(self, verdict: Verdict) -> Tensor:
        return self.fn(verdict)

    def notes(self, verdict: Verdict) -> Parts:
        return {}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        pass


class ScheduledBuffer(nn.Module):
    """A number that follows a schedule over images seen; a buffer, so that compiled losses read its current value."""

    value: Tensor

    def __init__(self, schedule: Callable[[int], float]):
        super().__init__()
        self.schedule = schedule
        self.register_buffer("value", torch.tensor(float(schedule(0))))

    def update(self, seen: int) -> None:
        self.value.fill_(self.schedule(seen))


class Turn:
    """One update within a round: which players learn, and their loss."""

    name: str
    learns: tuple[str, ...]
    """Players that are updated; the parameters of all others are frozen meanwhile."""
    times: int = 1
    """Updates per round."""
    every: int = 1
    """Run only in every n-th round (lazy regularisation); the loop corrects loss weights and Adam for it."""
    resample: bool = False
    """Draw a new batch and new random inputs for each update."""
    uses_fake: bool = True
    """Whether the loss reads `round.fake`."""
    draws: Mapping[str, Draw] = {}
    """Random inputs besides the game's latents."""
    group_size: int = 1
    """Consecutive examples that stay together (packing): micro-batches hold whole groups."""
    coupled: bool = False
    """Whether the loss depends on the whole batch; the loop then refuses micro-batches, which would change it."""

    def loss(self, round: Round) -> Parts:
        """The losses of this turn, by name."""
        raise NotImplementedError

    def after(self, notes: Mapping[str, Tensor]) -> None:
        """Runs after the optimiser's step: weight clipping, running means. `notes` are the whole batch's, detached."""


class Game(nn.Module):
    """The players and all training state, as parameters and buffers of one module.

    Args:
        players: networks by name. Each has one optimiser, whichever turns it learns in.
        latents: random inputs of `generate`, by name.
        generators: players that compute the fake.
        averaged: players whose weights are averaged over training (EMA) and saved as the model.
    """

    def __init__(
        self,
        players: Mapping[str, nn.Module],
        latents: Mapping[str, Draw],
        generators: tuple[str, ...] = ("G",),
        averaged: tuple[str, ...] = ("G",),
    ):
        super().__init__()
        self.players = nn.ModuleDict(players)
        self.latents, self.generators, self.averaged = dict(latents), generators, averaged
        self.frozen: frozenset[str] = frozenset()
        """Parameters the user froze, as "player.parameter"; set by the loop."""

    def turns(self, seen: int) -> list[Turn]:
        """The turns of the round that starts after `seen` images. A turn's name identifies it across rounds."""
        raise NotImplementedError

    def preprocess_round(self, round: Round) -> Round:
        """Preprocesses a new round (such as degrading its images), once for all turns and without gradients."""
        return round

    def generate(self, round: Round) -> Sample:
        """The generators' output for this round."""
        raise NotImplementedError

    def verdict(self, round: Round) -> Verdict | None:
        """The critic's verdict on this round, for monitoring; None if the game has no single critic."""
        return None


def per_example(x: Tensor) -> Tensor:
    """The mean over all axes but the first, (n, …) → (n,)."""
    return x.flatten(1).mean(1) if x.dim() > 1 else x


def l1_per_example(a: Tensor, b: Tensor) -> Tensor:
    """The mean of |a − b| over each example, (n, …) → (n,)."""
    return per_example((a - b).abs())
