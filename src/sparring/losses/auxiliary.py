"""What players want besides their objective: what a critic tells beside its logits, and what it sees in common."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.errors import UserError
from sparring.game import CriticOutput, FunctionTerm, Sample, Verdict, per_example
from sparring.networks.rows import RowGenerator


def critic_output(opinion: CriticOutput, what: str) -> Tensor:
    """What the critic tells beside its logits. Raises UserError for a critic that does not."""
    if what not in opinion.extras:
        raise UserError(f"this critic tells no {what}: have it return Opinion(logits, {{'{what}': …}})")
    return opinion.extras[what]


def _unlike(opinion: CriticOutput, y: Tensor | None) -> Tensor:
    """−log of the probability that the critic's class head gives to y, (n,)."""
    logits = critic_output(opinion, "class")
    assert y is not None
    return cross_entropy(logits, y, reduction="none")


class_of_real = FunctionTerm("class", lambda verdict: _unlike(verdict.output_real, verdict.condition))
class_of_fake = FunctionTerm("class", lambda verdict: _unlike(verdict.output_fake, verdict.condition))
"""Odena et al. 2017 (arXiv:1610.09585), section 3: L_C, for critic and generator."""


def contrastive(opinion: CriticOutput, y: Tensor | None, margin: float = 0.98, temperature: float = 0.5) -> Tensor:
    """Data to data cross-entropy, (n,): near its class, far from other classes' examples in the batch.

    Kang et al. 2021 (arXiv:2111.01118), eq. 10, with m_n = 1 − m_p. Beyond the margins nothing is to be won.
    """
    embedding, near = critic_output(opinion, "embedding"), critic_output(opinion, "class")
    assert y is not None
    attract = (near.gather(1, y[:, None]) - margin).clamp(max=0) / temperature
    repel = (embedding @ embedding.T - (1 - margin)).relu() / temperature
    repel = repel.masked_fill(y[:, None] == y, -torch.inf)
    return (torch.cat([attract, repel], 1).logsumexp(1, keepdim=True) - attract).squeeze(1)


contrast_of_real = FunctionTerm("contrast", lambda v: contrastive(v.output_real, v.condition), coupled=True)
contrast_of_fake = FunctionTerm("contrast", lambda v: contrastive(v.output_fake, v.condition), coupled=True)


def nce(queries: Sequence[Tensor], keys: Sequence[Tensor], temperature: float = 0.07) -> Tensor:
    """Of directions (n, k, d), a pair of tensors a layer: −log of the softmax, over the k places of the same picture,
    of ⟨query, key⟩ / temperature at the query's own place, (n,); the mean over places and layers.
    Park et al. 2020 (arXiv:2007.15651), section 3, eq. 2 and 3."""
    found = []
    for q, k in zip(queries, keys, strict=True):
        logits = q @ k.transpose(1, 2) / temperature  # (n, k, k)
        own = torch.arange(logits.shape[1], device=q.device).expand(len(q), -1)
        found.append(cross_entropy(logits.transpose(1, 2), own, reduction="none").mean(1))
    return torch.stack(found).mean(0)


def _feature_gap(verdict: Verdict) -> Tensor:
    real, fake = critic_output(verdict.output_real, "features"), critic_output(verdict.output_fake, "features")
    return (real.mean(0) - fake.mean(0)).square().mean()


feature_matching = FunctionTerm("features", _feature_gap, coupled=True)
"""‖E f(x) − E f(G(z))‖² a feature, f the critic's last but one layer. Salimans et al. 2016 (arXiv:1606.03498), eq. in
section 3.1; there it takes the objective's place: weigh `generator` by 0 for that."""


def quarter_turns(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n,) of 0, 1, 2, 3: turns by 90°."""
    return torch.randint(4, (n,), generator=generator, device=generator.device)


def _unasked(verdict: Verdict) -> Tensor:
    """−log of the share that the options asked for have in a row of a table; a pack's mean."""
    given, fake = verdict.condition, verdict.fake
    if given is None or not given.is_floating_point() or not isinstance(fake, Tensor) or fake.dim() != 2:
        raise UserError("only rows of a table are asked for options: leave the method 'asked' out")
    rows = fake.reshape(*given.shape[:-1], -1)[..., : given.shape[-1]]
    return per_example(-(rows * given).sum(-1).clamp(min=1e-6).log())


condition_match = FunctionTerm("asked", _unasked)
"""The generator chooses what it was asked for: Xu et al. 2019 (arXiv:1907.00503), section 4.3, on what was drawn with a
soft choice, where they have its logits."""


def rotate(x: Sample, quarters: Tensor) -> Tensor:
    """Square images (n, c, h, h), each turned by its number of quarters."""
    if not isinstance(x, Tensor) or x.dim() != 4 or x.shape[2] != x.shape[3]:
        raise UserError("rotations are told of square images: leave the method 'rotation' out")
    ways = torch.stack([torch.rot90(x, k, (2, 3)) for k in range(4)])
    return ways[quarters, torch.arange(len(x), device=x.device)]


def _rotation_loss(verdict: Verdict, sample: Sample, side: str) -> Tensor:
    k = verdict.draws["quarters"]
    return cross_entropy(critic_output(verdict.forward(rotate(sample, k), side), "rotation"), k, reduction="none")


rotation_of_real = FunctionTerm(
    "rotation", lambda v: _rotation_loss(v, v.real, "real"), draws={"quarters": quarter_turns}
)
rotation_of_fake = FunctionTerm(
    "rotation_fake", lambda v: _rotation_loss(v, v.fake, "fake"), draws={"quarters": quarter_turns}
)
"""How an image was turned, told by the critic of real images and wanted by the generator of its own. Chen et al. 2019
(arXiv:1811.11212), eq. 3 and 4: β = 1, α = .2. They turn a quarter of the batch all four ways, here each goes one way.
"""


def category_loss(z: int, categories: int) -> FunctionTerm:
    """−log Q(c | G(z, c)) of the category behind z numbers of the latent: L_I of Chen et al. 2016 (arXiv:1606.03657),
    section 5, up to H(c)."""

    def part(verdict: Verdict) -> Tensor:
        c = verdict.latent["z"][:, z : z + categories]
        return cross_entropy(critic_output(verdict.output_fake, "category"), c, reduction="none")

    return FunctionTerm("category", part)


def code_loss(start: int) -> FunctionTerm:
    """−log Q(c | G(z, c)) of the continuous codes from `start` on, up to a constant: a Gaussian of variance 1, summed
    over codes. Chen et al. 2016, section 6."""

    def part(verdict: Verdict) -> Tensor:
        return (critic_output(verdict.output_fake, "code") - verdict.latent["z"][:, start:]).square().sum(1) / 2

    return FunctionTerm("code", part)


def orthogonal_regulariser(player: nn.Module) -> FunctionTerm:
    """Σ ‖WᵀW ⊙ (1 − I)‖²_F over a player's weights: what filters have in common, their lengths left free.

    Brock et al. 2019 (arXiv:1809.11096), section 3.1, eq. 3, weighed by β = 1e-4. Under spectral norm W is the weight
    before it.
    """
    weights = [p for p in player.parameters() if p.dim() > 1]
    return FunctionTerm("orthogonal", lambda verdict: torch.stack([_in_common(W.flatten(1)) for W in weights]).sum())


def likelihood(G: nn.Module) -> FunctionTerm:
    """−log p of real rows by a generator that decides them column by column: beside the game, which is of whole rows,
    it learns each column from those before it as they really are. Lamb et al. 2016 (arXiv:1610.09038), section 2.2."""
    if not isinstance(G, RowGenerator):
        raise UserError("the method 'likelihood' is of generators that decide rows of a table: leave it out")

    def part(verdict: Verdict) -> Tensor:
        assert isinstance(verdict.real, Tensor)
        return G.surprise(
            verdict.real, verdict.latent["z"], *(() if verdict.condition is None else (verdict.condition,))
        )

    return FunctionTerm("likelihood", part)


def _in_common(W: Tensor) -> Tensor:
    """Σ over pairs i ≠ j of ⟨wᵢ, wⱼ⟩², for rows w of (o, i)."""
    gram = W @ W.T if len(W) <= W.shape[1] else W.T @ W  # of equal norm: the smaller one is made
    return gram.square().sum() - W.square().sum(1).square().sum()
