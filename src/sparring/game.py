"""The vocabulary every adversarial method is said in: a *game* is played in *rounds*; in a round its players take
*turns*; a *verdict* is a critic before a real and a fake sample.

Nothing here knows of optimisers, devices, precision, ranks or checkpoints: those belong to `sparring.training`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

Sample = Tensor | tuple[Tensor, ...]
"""What a critic looks at: a tensor (n, …), or a tuple of them such as ALI's (x, z)."""

Draw = Callable[[int, tuple[int, ...], torch.Generator], Tensor]
"""A random input: (n, the shape of one real example, generator) → (n, …), on the generator's device."""

Parts = dict[str, Tensor]
"""Named, unweighted losses, each (n,) per example or a scalar; the loop averages, weighs and sums them."""


class CriticOutput(NamedTuple):
    """A critic's logits (n, …) with what else it has to say: features, a class, a code."""

    logits: Tensor
    extras: dict[str, Tensor]


Critic = Callable[[Sample], Tensor | CriticOutput]


def map_sample(f: Callable[[Tensor], Tensor], sample: Sample) -> Sample:
    """`f` on a tensor, or on every tensor of a tuple."""
    return tuple(f(x) for x in sample) if isinstance(sample, tuple) else f(sample)


def _critic_output(critic: Critic, sample: Sample) -> CriticOutput:
    answer = critic(sample)
    logits, extras = answer if isinstance(answer, CriticOutput) else (answer, {})
    return CriticOutput(
        logits.to(torch.promote_types(logits.dtype, torch.float32)), extras
    )  # losses want full precision


def value_and_vjp(f: Callable[[Sample], tuple[Tensor, dict[str, Tensor]]], x: Sample, y: Tensor | None = None):
    """f(x) = (value, extras) and Jᵀy, the gradient of ⟨y, value⟩ at x; y is all ones unless given. Differentiable.

    Compiled, it goes through `torch.func.vjp`, the one form of double backward that a compiler takes; eagerly through
    autograd, which also passes layers that keep running statistics. A compiled slope can't pass batch norm.
    """
    if torch.compiler.is_compiling():
        value, pull, extras = torch.func.vjp(f, x, has_aux=True)  # pyright: ignore[reportAssignmentType]
        return value, extras, pull(torch.ones_like(value) if y is None else y)[0]
    x = map_sample(lambda t: t if t.requires_grad else t.detach().requires_grad_(), x)
    value, extras = f(x)
    leaves = x if isinstance(x, tuple) else (x,)
    slopes = torch.autograd.grad(value, leaves, torch.ones_like(value) if y is None else y, create_graph=True)
    return value, extras, slopes if isinstance(x, tuple) else slopes[0]


class Round:
    """What the turns of one round share.

    Args:
        real: the batch, (n, …) or a tuple.
        given: what comes with it (labels, conditions, the paired image), or None.
        latent: what was drawn, by name: z and whatever else a turn declared in `draws`.
        fake: the generator's answer, made once; it carries its graph only in turns in which a maker learns.

    A turn leaves per-example records (n, …) in `notes`; its `after` gets those of the whole batch.
    """

    def __init__(self, real: Sample, given: Tensor | None, latent: Mapping[str, Tensor], fake: Sample | None = None):
        self.real, self.condition, self.latent = real, given, latent
        self._fake = fake
        self.notes: dict[str, Tensor] = {}

    @property
    def fake(self) -> Sample:
        if self._fake is None:
            raise RuntimeError("this turn said uses_fake = False, yet its loss asks for round.fake")
        return self._fake


Transform = Callable[[Sample], Sample]
"""What a critic sees in place of a sample."""

Regenerate = Callable[[Mapping[str, Tensor]], Sample]
"""What the generator makes of other latents, by name; those not named stay what they were."""


class Verdict:
    """A critic before a real and a fake sample; logits and slopes are computed once, and only if asked for.

    A slope is the gradient of an example's logit with respect to that example, differentiable itself. Ask for slopes
    before logits: a slope brings its logits along, so a penalty costs no forward pass of its own.

    Args:
        draws: the random inputs of this round, a row for each example that the critic sees (a pack counts as one).
        given: what comes with the examples.
        latent: the random inputs as they were drawn, a row for each that the generator made.
        again: the generator once more.
        views: what the critic sees in place of samples of a side, "real" or "fake": augmented ones. Slopes are those of
            the samples themselves.
    """

    def __init__(
        self,
        critic: Critic,
        real: Sample,
        fake: Sample,
        draws: Mapping[str, Tensor] | None = None,
        given: Tensor | None = None,
        latent: Mapping[str, Tensor] | None = None,
        again: Regenerate | None = None,
        views: Mapping[str, Transform] | None = None,
    ):
        self.critic, self.real, self.fake, self.draws, self.condition = critic, real, fake, draws or {}, given
        self.latent, self._regenerate = self.draws if latent is None else latent, again
        self._views = views or {}
        self._outputs: dict[str, CriticOutput] = {}
        self.cache: dict[str, Tensor] = {}
        """What a wish worked out on its way, for its own notes."""

    def regenerate(self, latent: Mapping[str, Tensor]) -> Sample:
        """The fake of other latents, as the critic would see it."""
        if self._regenerate is None:
            raise RuntimeError("this game can't make its fake again: its verdict was given no way to")
        return self._regenerate(latent)

    def forward(self, sample: Sample, side: str = "real") -> CriticOutput:
        """The critic's, on any sample, seen like those of a side."""
        return _critic_output(self.critic, self._views[side](sample) if side in self._views else sample)

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
        """∇ₓ of the critic's logit at any x, (n, …) like x, seen like the real ones."""
        return self._output_and_slope(x, "real")[1]


class LossTerm(Protocol):
    """One thing that a player wants besides its objective, such as a penalty: a part of that name, unweighted.

    The random inputs it needs are data, and the loop draws them for the whole batch, so that slicing a batch does not
    change them. A wish that remembers is a module of the game: it notes what it saw, (n,) or (n, …) per example and
    detached, and moves its means after its player has moved.
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
    """A wish that is a function of the verdict alone."""

    name: str
    fn: Callable[[Verdict], Tensor]
    """→ (n,) per example, or a scalar."""
    draws: Mapping[str, Draw] = field(default_factory=dict)
    coupled: bool = False
    """An example's part depends on the rest of its batch."""

    def __call__(self, verdict: Verdict) -> Tensor:
        return self.fn(verdict)

    def notes(self, verdict: Verdict) -> Parts:
        return {}

    def after(self, notes: Mapping[str, Tensor]) -> None:
        pass


class ScheduledBuffer(nn.Module):
    """A number that follows a schedule of images seen: a buffer, so that a compiled loss reads it anew."""

    value: Tensor

    def __init__(self, schedule: Callable[[int], float]):
        super().__init__()
        self.schedule = schedule
        self.register_buffer("value", torch.tensor(float(schedule(0))))

    def update(self, seen: int) -> None:
        self.value.fill_(self.schedule(seen))


class Turn:
    """One move of a round: who learns, and to what end."""

    name: str
    learns: tuple[str, ...]
    """The players that move; every other player holds still."""
    times: int = 1
    """Moves a round."""
    every: int = 1
    """Play only in every so-manieth round (lazy penalties); the loop corrects weight and Adam for it."""
    resample: bool = False
    """Open a new round (another batch, another draw) for each move."""
    uses_fake: bool = True
    draws: Mapping[str, Draw] = {}
    """Random inputs the turn needs beside the game's latents."""
    group_size: int = 1
    """Consecutive examples that belong together (packing): slices of a batch hold whole groups."""
    coupled: bool = False
    """The loss ties the whole batch together, so slicing it would change the numbers; the loop refuses to."""

    def loss(self, round: Round) -> Parts:
        raise NotImplementedError

    def after(self, notes: Mapping[str, Tensor]) -> None:
        """After the optimiser's step: weight clipping, running means. `notes` are the whole batch's, detached."""


class Game(nn.Module):
    """Players and all state: everything that changes is a parameter or a buffer of the game.

    Args:
        players: networks by name. Each has one optimiser, whatever turns it learns in.
        latents: the random inputs of `generate`, by name.
        generators: the players that make the fake.
        averaged: the players that make up the result: averaged over training, and left in the model.
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
        """Weights that never learn, for the user froze them, as "player.weight"; the loop tells."""

    def turns(self, seen: int) -> list[Turn]:
        """Who moves in the round that begins after `seen` images. The same name always means the same turn."""
        raise NotImplementedError

    def preprocess_round(self, round: Round) -> Round:
        """The round as its turns see it, of one as it was drawn: what is to happen to its examples before any player
        looks, once for all turns, without gradients."""
        return round

    def generate(self, round: Round) -> Sample:
        """The fake of this round."""
        raise NotImplementedError

    def verdict(self, round: Round) -> Verdict | None:
        """The critic before this round's samples, for those who watch; None in a game that has no such thing."""
        return None


def per_example(x: Tensor) -> Tensor:
    """(n, …) → (n,), the mean over all but the first axis."""
    return x.flatten(1).mean(1) if x.dim() > 1 else x


def l1_per_example(a: Tensor, b: Tensor) -> Tensor:
    """The mean over an example of |a − b|, of (n, …): (n,)."""
    return per_example((a - b).abs())
