"""The two-player game: Goodfellow et al. 2014 (arXiv:1406.2661), and every method that keeps its two turns.

DCGAN is `GAN(G, D, non_saturating)`; WGAN-GP is `GAN(G, D, wasserstein, [lipschitz], critic_steps=5,
resample_each_turn=True)`; R3GAN is `GAN(G, D, relativistic, [r1, r2], resample_each_turn=True)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from sparring.augment import Adaptive
from sparring.errors import lookup
from sparring.errors.bounds import Bounds
from sparring.game import (
    Critic,
    CriticOutput,
    Draw,
    Game,
    LossTerm,
    Parts,
    Round,
    Sample,
    ScheduledBuffer,
    Turn,
    Verdict,
)
from sparring.games.shared.critic_input import CriticInput
from sparring.games.shared.methods import Method, selected_methods
from sparring.games.shared.options import Count, GameContext, GameOptions, Share
from sparring.losses.objectives import OBJECTIVES, Objective, TopK, one_sided_label_smoothing
from sparring.losses.penalties import PENALTIES
from sparring.schedules import Number, at


class GAN(Game):
    """A generator G against a critic D.

    Args:
        G: z (n, dim) → fake, shaped like the data.
        D: sample → logits (n, 1), or a `CriticOutput`.
        objective: the loss of both players.
        penalties: gradient penalties of D.
        critic_terms, generator_terms: further loss terms of D and of G.
        latents: the generator's random inputs; a `z` at least.
        critic_steps: steps of D before each of G's.
        resample_each_turn: every step takes a batch and a draw of its own (R3GAN, WGAN-GP); otherwise the turns of a
            round share them.
        clip: above 0, D's weights are clipped to ±clip (Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1).
        conditional: G and D also take the condition of each example, such as its class (Mirza & Osindero 2014,
            arXiv:1411.1784).
        generator_penalties: penalties of G.
        penalty_every, generator_penalty_every: above 1, these penalties become a turn of their own, in every n-th round
            (Karras et al. 2020, arXiv:1912.04958, section 3.1).
        critic_input: transforms what D sees; by default nothing.
    """

    def __init__(
        self,
        G: nn.Module,
        D: nn.Module,
        objective: Objective | TopK,
        penalties: Sequence[LossTerm] = (),
        *,
        latents: Mapping[str, Draw],
        critic_terms: Sequence[LossTerm] = (),
        generator_terms: Sequence[LossTerm] = (),
        generator_penalties: Sequence[LossTerm] = (),
        critic_steps: int = 1,
        resample_each_turn: bool = False,
        penalty_every: int = 1,
        generator_penalty_every: int = 1,
        clip: float = 0.0,
        conditional: bool = False,
        critic_input: CriticInput | None = None,
    ):
        super().__init__({"G": G, "D": D}, latents)
        self.conditional, self.critic_input = conditional, critic_input or CriticInput()
        self.top_k_share = objective.share if isinstance(objective, TopK) else None
        terms = (*critic_terms, *generator_terms, *generator_penalties)
        self.stateful_terms = nn.ModuleList([term for term in terms if isinstance(term, nn.Module)])
        if self.critic_input.augment is not None and isinstance(self.critic_input.augment.p, Adaptive):
            critic_terms = [*critic_terms, self.critic_input.augment.p]
        lazy, lazy_generator = penalty_every > 1, generator_penalty_every > 1
        # Penalties first: computing their gradients also computes the logits that the other terms need.
        critic = CriticTurn(self, [*([] if lazy else penalties), *critic_terms], objective, clip)
        critic.times, critic.resample = critic_steps, resample_each_turn or critic_steps > 1
        generator = self.generator_turn(objective, [*generator_terms, *([] if lazy_generator else generator_penalties)])
        generator.resample = resample_each_turn
        self._turns: list[Turn] = [critic, generator]
        if lazy and penalties:
            self._turns.insert(1, LazyTurn(self, "smooth", critic.learns, penalties, penalty_every))
        if lazy_generator and generator_penalties:
            self._turns.append(
                LazyTurn(self, "smooth_generator", generator.learns, generator_penalties, generator_penalty_every)
            )
        batch_statistics = any(getattr(module, "coupled", False) for module in D.modules())
        for turn in self._turns:
            turn.draws, turn.group_size = {**turn.draws, **self.critic_input.draws}, self.critic_input.pack_size
            turn.coupled = turn.coupled or batch_statistics

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        """For subclasses whose generator learns in another way."""
        return GeneratorTurn(self, terms, objective)

    def turns(self, seen: int) -> list[Turn]:
        for module in self.modules():
            if isinstance(module, ScheduledBuffer):
                module.update(seen)
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.latent["z"], *self.condition(round))

    def condition(self, round: Round) -> tuple[Tensor, ...]:
        """The inputs of G beside z, and of D beside the sample."""
        return (round.condition,) if self.conditional and round.condition is not None else ()

    def critic(self, round: Round, D: Callable[..., Tensor | CriticOutput] | None = None) -> Critic:
        """D, or another critic in its place, as a function of the sample alone."""
        condition = [self.critic_input.pack_condition(y) for y in self.condition(round)]
        return lambda sample: (D or self.players["D"])(sample, *condition)

    def verdict(self, round: Round, critic: Critic | None = None) -> Verdict:
        """Of D, or of another critic in its place."""
        view = self.critic_input

        def regenerate(latent: Mapping[str, Tensor]) -> Sample:
            other = Round(round.real, round.condition, {**round.latent, **latent})
            return view.noisy_packed(self.generate(other), "fake", round)

        real, fake = view.noisy_packed(round.real, "real", round), view.noisy_packed(round.fake, "fake", round)
        draws = {name: view.pack_draw(x, round) for name, x in round.latent.items()}
        condition = None if round.condition is None else view.pack_condition(round.condition)
        transforms = view.transforms(round)
        return Verdict(critic or self.critic(round), real, fake, draws, condition, round.latent, regenerate, transforms)


class PlayerTurn(Turn):
    """A turn with loss terms."""

    def __init__(self, game: GAN, terms: Sequence[LossTerm], objective: Objective | TopK | None):
        self.game, self.terms, self.objective = game, terms, objective
        self.coupled = any(term.coupled for term in (*terms, *([objective] if objective else [])))
        self.draws = {key: draw for term in terms for key, draw in term.draws.items()}

    def term_losses(self, round: Round, verdict: Verdict) -> Parts:
        """By name. Records the terms' notes in the round."""
        parts = {term.name: term(verdict) for term in self.terms}
        for term in self.terms:
            round.notes |= term.notes(verdict)
        return parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        for term in self.terms:
            term.after(notes)


class LazyTurn(PlayerTurn):
    """Loss terms alone, in every n-th round."""

    def __init__(self, game: GAN, name: str, learns: tuple[str, ...], terms: Sequence[LossTerm], every: int):
        super().__init__(game, terms, None)
        self.name, self.learns, self.every = name, learns, every

    def loss(self, round: Round) -> Parts:
        return self.term_losses(round, self.game.verdict(round))


class CriticTurn(PlayerTurn):
    """D learns to tell real from fake."""

    name, learns = "critic", ("D",)
    objective: Objective | TopK

    def __init__(self, game: GAN, terms: Sequence[LossTerm], objective: Objective | TopK, clip: float = 0.0):
        super().__init__(game, terms, objective)
        self.clip = clip

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        parts = self.term_losses(round, verdict)  # first: input gradients also compute the logits
        return self.objective.critic(verdict) | parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        super().after(notes)
        if self.clip:
            for p in self.game.players["D"].parameters():
                p.clamp_(-self.clip, self.clip)


class GeneratorTurn(PlayerTurn):
    """G learns to pass for real."""

    name, learns = "generator", ("G",)
    objective: Objective | TopK

    def loss(self, round: Round) -> Parts:
        verdict = self.generator_verdict(round)
        return self.objective.generator(verdict) | self.term_losses(round, verdict)

    def generator_verdict(self, round: Round) -> Verdict:
        """The verdict that G's loss is computed from."""
        return self.game.verdict(round)


@dataclass(frozen=True)
class GANOptions(GameOptions):
    """Options of every game of one critic."""

    objective: str = "non-saturating"
    """A name of `sparring.losses.objectives.OBJECTIVES`."""
    smoothing: Share = 0.0
    """One-sided label smoothing: the share by which real examples count as fake."""
    top_k: Annotated[Number, Bounds(0, 1, open_low=True)] = 1.0
    """The share of its fakes that the generator learns from: those with the highest logits."""
    penalties: tuple[str, ...] = ()
    """Names of `sparring.losses.penalties.PENALTIES`."""
    penalty_every: Count = 1
    generator_penalty_every: Count = 1
    critic_steps: Count = 1
    resample_each_turn: bool = False
    clip: Annotated[float, Bounds(0)] = 0.0
    methods: tuple[str, ...] = ()
    """Optional techniques: names of `sparring.games.shared.methods.METHODS`."""

    loss_terms: ClassVar = ("real", "fake", "critic", "generator")

    def selected_methods(self, context: GameContext) -> list[Method]:
        return selected_methods(self.methods, context)

    def default_weights(self, context: GameContext) -> dict[str, float]:
        return {name: w for method in self.selected_methods(context) for name, w in method.weights.items()}

    def build_objective(self) -> Objective | TopK:
        objective = lookup(OBJECTIVES, "objective", self.objective)
        if self.smoothing:
            objective = one_sided_label_smoothing(objective, self.smoothing)
        return objective if self.top_k == 1.0 else TopK(objective, ScheduledBuffer(partial(at, self.top_k)))

    def critic_input(self, context: GameContext) -> CriticInput:
        return CriticInput()

    def gan_arguments(self, context: GameContext, G: nn.Module, D: nn.Module) -> dict[str, Any]:
        """The keyword arguments of `GAN`, but for the latents."""
        methods = self.selected_methods(context)
        return {
            "penalties": [lookup(PENALTIES, "penalty", name) for name in self.penalties],
            "conditional": self.conditional,
            "critic_terms": [new(D, context) for method in methods for new in method.of_critic],
            "generator_terms": [new(G, context) for method in methods for new in method.of_generator],
            "generator_penalties": [new(G, context) for method in methods for new in method.generator_penalties],
            "generator_penalty_every": self.generator_penalty_every,
            "critic_steps": self.critic_steps,
            "resample_each_turn": self.resample_each_turn,
            "penalty_every": self.penalty_every,
            "clip": self.clip,
            "critic_input": self.critic_input(context),
        }
