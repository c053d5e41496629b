"""The two-player game: Goodfellow et al. 2014 (arXiv:1406.2661), and everything that keeps its shape.

DCGAN is `GAN(G, D, non_saturating)`; WGAN-GP `GAN(G, D, wasserstein, [lipschitz], critic_steps=5, fresh=True)`;
pairing with zero-centred penalties `GAN(G, D, relativistic, [r1, r2], fresh=True)`.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sparring.game import Critic, Draw, Game, Parts, Round, Sample, Term, Turn, Verdict, each
from sparring.objectives import Objective


def normal(dim: int) -> Draw:
    """z ~ N(0, I_dim), (n, dim)."""

    def draw(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randn(n, dim, generator=generator, device=generator.device)

    return draw


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
        penalty_every: above 1, the penalties become a turn of their own, played so seldom (Karras et al. 2020,
            arXiv:1912.04958, section 3.1).
    """

    def __init__(
        self,
        G: nn.Module,
        D: nn.Module,
        objective: Objective,
        penalties: Sequence[Term] = (),
        *,
        latents: Mapping[str, Draw],
        critic_terms: Sequence[Term] = (),
        generator_terms: Sequence[Term] = (),
        critic_steps: int = 1,
        fresh: bool = False,
        penalty_every: int = 1,
        clip: float = 0.0,
        noise: Callable[[int], float] | None = None,
        conditional: bool = False,
    ):
        super().__init__({"G": G, "D": D}, latents)
        self.conditional = conditional
        self.noise, self.sigma = noise, nn.Buffer(torch.zeros(()))
        blur = {} if noise is None else {"noise_real": gaussian, "noise_fake": gaussian}
        lazy = penalty_every > 1
        critic = CriticTurn(self, "critic", [*critic_terms, *([] if lazy else penalties)], objective, clip)
        critic.times, critic.fresh = critic_steps, fresh or critic_steps > 1
        generator = GeneratorTurn(self, objective, generator_terms)
        generator.fresh = fresh
        self._turns: list[Turn] = [critic, generator]
        if lazy:
            smooth = CriticTurn(self, "smooth", penalties)
            smooth.every = penalty_every
            self._turns.insert(1, smooth)
        for turn in self._turns:
            turn.draws = {**turn.draws, **blur}

    def turns(self, seen: int) -> list[Turn]:
        if self.noise is not None:
            self.sigma.fill_(self.noise(seen))
        return self._turns

    def generate(self, round: Round) -> Sample:
        return self.players["G"](round.latent["z"], *self.condition(round))

    def condition(self, round: Round) -> tuple[Tensor, ...]:
        """What G is given of the round beside z, and D beside the sample."""
        return (round.given,) if self.conditional and round.given is not None else ()

    def critic(self, round: Round) -> Critic:
        """D in this round."""
        return lambda sample: self.players["D"](sample, *self.condition(round))

    def verdict(self, round: Round) -> Verdict:
        real = self._blurred(round.real, round.latent.get("noise_real"))
        fake = self._blurred(round.fake, round.latent.get("noise_fake"))
        return Verdict(self.critic(round), real, fake, round.latent, round.given)

    def _blurred(self, sample: Sample, noise: Tensor | None) -> Sample:
        return sample if noise is None else each(lambda x: x + self.sigma * noise, sample)


class CriticTurn(Turn):
    """D learns to tell real from fake (with an objective), and whatever the terms say."""

    learns = ("D",)

    def __init__(
        self,
        game: GAN,
        name: str,
        terms: Sequence[Term],
        objective: Objective | None = None,
        clip: float = 0.0,
    ):
        self.game, self.name, self.objective, self.terms, self.clip = game, name, objective, terms, clip
        self.coupled = any(wish.coupled for wish in (*terms, *([objective] if objective else [])))
        self.draws = {key: draw for term in terms for key, draw in term.draws.items()}

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        parts = {term.name: term(verdict) for term in self.terms}  # first: slopes bring their logits
        return (self.objective.critic(verdict) if self.objective else {}) | parts

    def after(self, notes: Mapping[str, Tensor]) -> None:
        if self.clip:
            for p in self.game.players["D"].parameters():
                p.clamp_(-self.clip, self.clip)


class GeneratorTurn(Turn):
    """G learns to pass for real, and whatever the terms say."""

    name, learns = "generator", ("G",)

    def __init__(self, game: GAN, objective: Objective, terms: Sequence[Term] = ()):
        self.game, self.objective, self.terms = game, objective, terms
        self.coupled = any(wish.coupled for wish in (objective, *terms))
        self.draws = {key: draw for term in terms for key, draw in term.draws.items()}

    def loss(self, round: Round) -> Parts:
        verdict = self.game.verdict(round)
        return self.objective.generator(verdict) | {term.name: term(verdict) for term in self.terms}
