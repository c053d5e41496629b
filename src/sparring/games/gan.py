"""The two-player game: Goodfellow et al. 2014 (arXiv:1406.2661), and everything that keeps its shape.

DCGAN is `GAN(G, D, non_saturating)`; WGAN-GP `GAN(G, D, wasserstein, [lipschitz], critic_steps=5, fresh=True)`;
pairing with zero-centred penalties `GAN(G, D, relativistic, [r1, r2], fresh=True)`.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sparring.augment import Adaptive, Augment
from sparring.game import Critic, Dial, Draw, Game, Opinion, Parts, Round, Sample, Turn, Verdict, View, Wish, each
from sparring.objectives import Objective, TopK


def gaussian(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n, *shape) from N(0, 1)."""
    return torch.randn(n, *shape, generator=generator, device=generator.device)


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
        noise: σ after so many images: D sees real and fake through Gaussian noise (instance noise: Sønderby et al.
            2017, arXiv:1610.04490, section 4).
        conditional: G and D also take what is given with the examples, such as classes (Mirza & Osindero 2014,
            arXiv:1411.1784).
        generator_penalties: what keeps G smooth.
        penalty_every, generator_penalty_every: above 1, these penalties become a turn of their own, played so seldom
            (Karras et al. 2020, arXiv:1912.04958, section 3.1).
        pack: examples that D sees at once, one behind the other in its channels: samples (n, c, …) reach it as
            (n / pack, pack · c, …), real or fake alike (PacGAN: Lin et al. 2018, arXiv:1712.04086).
        augment: what D sees in place of examples, real or fake alike.
    """

    def __init__(
        self,
        G: nn.Module,
        D: nn.Module,
        objective: Objective | TopK,
        penalties: Sequence[Wish] = (),
        *,
        latents: Mapping[str, Draw],
        critic_terms: Sequence[Wish] = (),
        generator_terms: Sequence[Wish] = (),
        generator_penalties: Sequence[Wish] = (),
        critic_steps: int = 1,
        fresh: bool = False,
        penalty_every: int = 1,
        generator_penalty_every: int = 1,
        clip: float = 0.0,
        noise: Callable[[int], float] | None = None,
        conditional: bool = False,
        pack: int = 1,
        augment: Augment | None = None,
    ):
        super().__init__({"G": G, "D": D}, latents)
        self.conditional, self.pack = conditional, pack
        self.sigma = None if noise is None else Dial(noise)
        self.share = objective.share if isinstance(objective, TopK) else None
        wishes = (*critic_terms, *generator_terms, *generator_penalties)
        self.remembering = nn.ModuleList([term for term in wishes if isinstance(term, nn.Module)])
        self.augment = augment
        seen = {} if noise is None else {"noise_real": gaussian, "noise_fake": gaussian}
        if augment is not None:
            seen |= {"augment_real": augment.draw, "augment_fake": augment.draw}
            critic_terms = [*critic_terms, *([augment.p] if isinstance(augment.p, Adaptive) else [])]
        lazy, seldom = penalty_every > 1, generator_penalty_every > 1
        critic = CriticTurn(self, [*critic_terms, *([] if lazy else penalties)], objective, clip)
        critic.times, critic.fresh = critic_steps, fresh or critic_steps > 1
        answer = self.answer(objective, [*generator_terms, *([] if seldom else generator_penalties)])
        answer.fresh = fresh
        self._turns: list[Turn] = [critic, answer]
        if lazy and penalties:
            self._turns.insert(1, LazyTurn(self, "smooth", critic.learns, penalties, penalty_every))
        if seldom and generator_penalties:
            self._turns.append(
                LazyTurn(self, "smooth_generator", answer.learns, generator_penalties, generator_penalty_every)
            )
        crowd = any(getattr(module, "coupled", False) for module in D.modules())
        for turn in self._turns:
            turn.draws, turn.group, turn.coupled = {**turn.draws, **seen}, pack, turn.coupled or crowd

    def answer(self, objective: Objective | TopK, terms: Sequence[Wish]) -> Turn:
        """The generator's turn."""
        return GeneratorTurn(self, objective, terms)

    def turns(self, seen: int) -> list[Turn]:
        for module in self.modules():
            if isinstance(module, Dial):
                module.follow(seen)
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.latent["z"], *self.condition(round))

    def condition(self, round: Round) -> tuple[Tensor, ...]:
        """What G is given of the round beside z, and D beside the sample."""
        return (round.given,) if self.conditional and round.given is not None else ()

    def critic(self, round: Round, D: Callable[..., Tensor | Opinion] | None = None) -> Critic:
        """D in this round, or another critic in its place."""
        given = [self._in_rows(y) for y in self.condition(round)]
        return lambda sample: (D or self.players["D"])(sample, *given)

    def verdict(self, round: Round, critic: Critic | None = None) -> Verdict:
        """Of D, or of another critic in its place."""

        def again(latent: Mapping[str, Tensor]) -> Sample:
            other = Round(round.real, round.given, {**round.latent, **latent})
            return self._shown(self.generate(other), round.latent.get("noise_fake"))

        real = self._shown(round.real, round.latent.get("noise_real"))
        fake = self._shown(round.fake, round.latent.get("noise_fake"))
        draws = {name: self._packed(x, round) for name, x in round.latent.items()}
        given = None if round.given is None else self._in_rows(round.given)
        views = {} if self.augment is None else {side: self._view(round, side) for side in ("real", "fake")}
        return Verdict(critic or self.critic(round), real, fake, draws, given, round.latent, again, views)

    def _shown(self, sample: Sample, noise: Tensor | None) -> Sample:
        """A sample as D sees it: through noise, in packs."""
        if self.sigma is not None and noise is not None:
            sigma = self.sigma.value
            sample = each(lambda x: x + sigma * noise, sample)
        return each(self._in_packs, sample)

    def _in_packs(self, x: Tensor) -> Tensor:
        return x if self.pack == 1 else x.reshape(-1, self.pack * x.shape[1], *x.shape[2:])

    def _view(self, round: Round, side: str) -> View:
        """A sample of this side, in packs, with each example augmented."""
        augment, u = self.augment, round.latent[f"augment_{side}"]
        assert augment is not None

        def view(x: Sample) -> Sample:
            assert isinstance(x, Tensor)
            return self._in_packs(augment(x.reshape(len(u), -1, *x.shape[2:]), u))

        return view

    def _in_rows(self, y: Tensor) -> Tensor:
        """What is given with each example of a pack, in one row: (n / pack, pack)."""
        return y if self.pack == 1 else y.view(-1, self.pack, *y.shape[1:])

    def _packed(self, x: Tensor, round: Round) -> Tensor:
        """Noise like the examples is packed like them; of other draws a pack takes its first example's."""
        if self.pack == 1:
            return x
        like = isinstance(round.real, Tensor) and x.shape[1:] == round.real.shape[1:]
        return self._in_packs(x) if like else x[:: self.pack]


class PlayerTurn(Turn):
    """A player's objective, and whatever the terms say."""

    def __init__(self, game: GAN, terms: Sequence[Wish], objective: Objective | TopK | None):
        self.game, self.terms, self.objective = game, terms, objective
        self.coupled = any(wish.coupled for wish in (*terms, *([objective] if objective else [])))
        self.draws = {key: draw for term in terms for key, draw in term.draws.items()}

    def wishes(self, round: Round, verdict: Verdict) -> Parts:
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

    def __init__(self, game: GAN, terms: Sequence[Wish], objective: Objective | TopK, clip: float = 0.0):
        super().__init__(game, terms, objective)
        self.wanted, self.clip = objective, clip

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        parts = self.wishes(round, verdict)  # first: slopes bring their logits
        return self.wanted.critic(verdict) | parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        super().after(notes)
        if self.clip:
            for p in self.game.players["D"].parameters():
                p.clamp_(-self.clip, self.clip)


class LazyTurn(PlayerTurn):
    """Wishes alone, every so-manieth round."""

    def __init__(self, game: GAN, name: str, learns: tuple[str, ...], terms: Sequence[Wish], every: int):
        super().__init__(game, terms, None)
        self.name, self.learns, self.every = name, learns, every

    def loss(self, round: Round) -> Parts:
        return self.wishes(round, self.game.verdict(round))


class GeneratorTurn(PlayerTurn):
    """G learns to pass for real."""

    name, learns = "generator", ("G",)

    def __init__(self, game: GAN, objective: Objective | TopK, terms: Sequence[Wish] = ()):
        super().__init__(game, terms, objective)
        self.wanted = objective

    def loss(self, round: Round) -> Parts:
        verdict = self.judged(round)
        return self.wanted.generator(verdict) | self.wishes(round, verdict)

    def judged(self, round: Round) -> Verdict:
        """The verdict G learns by."""
        return self.game.verdict(round)
