"""The two-player game: Goodfellow et al. 2014 (arXiv:1406.2661), and everything that keeps its shape.

DCGAN is `GAN(G, D, non_saturating)`; WGAN-GP `GAN(G, D, wasserstein, [lipschitz], critic_steps=5, fresh=True)`;
pairing with zero-centred penalties `GAN(G, D, relativistic, [r1, r2], fresh=True)`.
"""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from sparring.augment import Adaptive
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
from sparring.games.critic_input import CriticInput
from sparring.losses.objectives import Objective, TopK


class GAN(Game):
    """A generator G against a critic D.

    Args:
        G: z (n, dim) → fake, shaped like the data.
        D: sample → logits (n, 1), or an `Opinion`.
        objective: what both want.
        penalties: what keeps D smooth.
        critic_terms, generator_terms: what else D and G want, besides the objective.
        latents: the generator's random inputs; a `z` at least.
        critic_steps: moves of D before each of G's.
        fresh: every move opens a batch and a draw of its own (R3GAN, WGAN-GP); otherwise a round's turns share them.
        clip: above 0, D's weights are kept within ±clip (Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1).
        conditional: G and D also take what is given with the examples, such as classes (Mirza & Osindero 2014,
            arXiv:1411.1784).
        generator_penalties: what keeps G smooth.
        penalty_every, generator_penalty_every: above 1, these penalties become a turn of their own, played so seldom
            (Karras et al. 2020, arXiv:1912.04958, section 3.1).
        sight: how D sees examples; by default as they are.
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
        fresh: bool = False,
        penalty_every: int = 1,
        generator_penalty_every: int = 1,
        clip: float = 0.0,
        conditional: bool = False,
        sight: CriticInput | None = None,
    ):
        super().__init__({"G": G, "D": D}, latents)
        self.conditional, self.critic_input = conditional, sight or CriticInput()
        self.top_k_share = objective.share if isinstance(objective, TopK) else None
        wishes = (*critic_terms, *generator_terms, *generator_penalties)
        self.stateful_terms = nn.ModuleList([term for term in wishes if isinstance(term, nn.Module)])
        if self.critic_input.augment is not None and isinstance(self.critic_input.augment.p, Adaptive):
            critic_terms = [*critic_terms, self.critic_input.augment.p]
        lazy, seldom = penalty_every > 1, generator_penalty_every > 1
        # Penalties first: their slopes bring the logits that terms and objective ask for.
        critic = CriticTurn(self, [*([] if lazy else penalties), *critic_terms], objective, clip)
        critic.times, critic.resample = critic_steps, fresh or critic_steps > 1
        answer = self.generator_turn(objective, [*generator_terms, *([] if seldom else generator_penalties)])
        answer.resample = fresh
        self._turns: list[Turn] = [critic, answer]
        if lazy and penalties:
            self._turns.insert(1, LazyTurn(self, "smooth", critic.learns, penalties, penalty_every))
        if seldom and generator_penalties:
            self._turns.append(
                LazyTurn(self, "smooth_generator", answer.learns, generator_penalties, generator_penalty_every)
            )
        crowd = any(getattr(module, "coupled", False) for module in D.modules())
        for turn in self._turns:
            turn.draws, turn.group_size = {**turn.draws, **self.critic_input.draws}, self.critic_input.pack_size
            turn.coupled = turn.coupled or crowd

    def generator_turn(self, objective: Objective | TopK, terms: Sequence[LossTerm]) -> Turn:
        """The generator's turn."""
        return GeneratorTurn(self, objective, terms)

    def turns(self, seen: int) -> list[Turn]:
        for module in self.modules():
            if isinstance(module, ScheduledBuffer):
                module.update(seen)
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.latent["z"], *self.condition(round))

    def condition(self, round: Round) -> tuple[Tensor, ...]:
        """What G is given of the round beside z, and D beside the sample."""
        return (round.condition,) if self.conditional and round.condition is not None else ()

    def critic(self, round: Round, D: Callable[..., Tensor | CriticOutput] | None = None) -> Critic:
        """D in this round, or another critic in its place."""
        given = [self.critic_input.pack_condition(y) for y in self.condition(round)]
        return lambda sample: (D or self.players["D"])(sample, *given)

    def verdict(self, round: Round, critic: Critic | None = None) -> Verdict:
        """Of D, or of another critic in its place."""
        sight = self.critic_input

        def again(latent: Mapping[str, Tensor]) -> Sample:
            return sight.noisy_packed(
                self.generate(Round(round.real, round.condition, {**round.latent, **latent})), "fake", round
            )

        real, fake = sight.noisy_packed(round.real, "real", round), sight.noisy_packed(round.fake, "fake", round)
        draws = {name: sight.pack_draw(x, round) for name, x in round.latent.items()}
        given = None if round.condition is None else sight.pack_condition(round.condition)
        views = sight.transforms(round)
        return Verdict(critic or self.critic(round), real, fake, draws, given, round.latent, again, views)


class PlayerTurn(Turn):
    """A player's objective, and whatever the terms say."""

    def __init__(self, game: GAN, terms: Sequence[LossTerm], objective: Objective | TopK | None):
        self.game, self.terms, self.objective = game, terms, objective
        self.coupled = any(wish.coupled for wish in (*terms, *([objective] if objective else [])))
        self.draws = {key: draw for term in terms for key, draw in term.draws.items()}

    def term_losses(self, round: Round, verdict: Verdict) -> Parts:
        """The terms' parts; what they note is noted."""
        parts = {term.name: term(verdict) for term in self.terms}
        for term in self.terms:
            round.notes |= term.notes(verdict)
        return parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        for term in self.terms:
            term.after(notes)


class CriticTurn(PlayerTurn):
    """D learns to tell real from fake."""

    name, learns = "critic", ("D",)

    def __init__(self, game: GAN, terms: Sequence[LossTerm], objective: Objective | TopK, clip: float = 0.0):
        super().__init__(game, terms, objective)
        self.wanted, self.clip = objective, clip

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        parts = self.term_losses(round, verdict)  # first: slopes bring their logits
        return self.wanted.critic(verdict) | parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        super().after(notes)
        if self.clip:
            for p in self.game.players["D"].parameters():
                p.clamp_(-self.clip, self.clip)


class LazyTurn(PlayerTurn):
    """Wishes alone, every so-manieth round."""

    def __init__(self, game: GAN, name: str, learns: tuple[str, ...], terms: Sequence[LossTerm], every: int):
        super().__init__(game, terms, None)
        self.name, self.learns, self.every = name, learns, every

    def loss(self, round: Round) -> Parts:
        return self.term_losses(round, self.game.verdict(round))


class GeneratorTurn(PlayerTurn):
    """G learns to pass for real."""

    name, learns = "generator", ("G",)

    def __init__(self, game: GAN, objective: Objective | TopK, terms: Sequence[LossTerm] = ()):
        super().__init__(game, terms, objective)
        self.wanted = objective

    def loss(self, round: Round) -> Parts:
        verdict = self.generator_verdict(round)
        return self.wanted.generator(verdict) | self.term_losses(round, verdict)

    def generator_verdict(self, round: Round) -> Verdict:
        """The verdict G learns by."""
        return self.game.verdict(round)
