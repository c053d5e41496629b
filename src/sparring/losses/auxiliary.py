"""Auxiliary loss terms: class, code, rotation, feature matching, contrast, orthogonality, likelihood."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.errors import UserError
from sparring.game import CriticOutput, FunctionTerm, Sample, Verdict, per_example
from sparring.networks.rows import RowGenerator


def critic_output(output: CriticOutput, name: str) -> Tensor:
    """The critic's extra output of this name. Raises UserError if there is none."""
    if name not in output.extras:
        raise UserError(f"the critic has no output '{name}': return CriticOutput(logits, {{'{name}': …}})")
    return output.extras[name]


def _class_loss(output: CriticOutput, y: Tensor | None) -> Tensor:
    """Cross-entropy of the critic's class head, (n,)."""
    logits = critic_output(output, "class")
    assert y is not None
    return cross_entropy(logits, y, reduction="none")


class_of_real = FunctionTerm("class", lambda verdict: _class_loss(verdict.output_real, verdict.condition))
class_of_fake = FunctionTerm("class", lambda verdict: _class_loss(verdict.output_fake, verdict.condition))
"""Odena et al. 2017 (arXiv:1610.09585), section 3: L_C, for critic and generator."""


def contrastive(output: CriticOutput, y: Tensor | None, margin: float = 0.98, temperature: float = 0.5) -> Tensor:
    """Data-to-data cross-entropy, (n,): attracts to the class proxy, repels from other classes' examples.

    Kang et al. 2021 (arXiv:2111.01118), eq. 10, with m_n = 1 − m_p. Pairs beyond the margins have no gradient.
    """
    embedding, cosine = critic_output(output, "embedding"), critic_output(output, "class")
    assert y is not None
    attract = (cosine.gather(1, y[:, None]) - margin).clamp(max=0) / temperature
    repel = (embedding @ embedding.T - (1 - margin)).relu() / temperature
    repel = repel.masked_fill(y[:, None] == y, -torch.inf)
    return (torch.cat([attract, repel], 1).logsumexp(1, keepdim=True) - attract).squeeze(1)


contrast_of_real = FunctionTerm("contrast", lambda v: contrastive(v.output_real, v.condition), coupled=True)
contrast_of_fake = FunctionTerm("contrast", lambda v: contrastive(v.output_fake, v.condition), coupled=True)


def nce(queries: Sequence[Tensor], keys: Sequence[Tensor], temperature: float = 0.07) -> Tensor:
    """PatchNCE, (n,): Park et al. 2020 (arXiv:2007.15651), section 3, eqs. 2 and 3.

    Queries and keys are unit vectors (n, k, d), one tensor per layer: the cross-entropy of ⟨query, key⟩ / temperature
    over the k positions of the same image, averaged over positions and layers.
    """
    losses = []
    for q, k in zip(queries, keys, strict=True):
        logits = q @ k.transpose(1, 2) / temperature  # (n, k, k)
        own = torch.arange(logits.shape[1], device=q.device).expand(len(q), -1)
        losses.append(cross_entropy(logits.transpose(1, 2), own, reduction="none").mean(1))
    return torch.stack(losses).mean(0)


def _feature_gap(verdict: Verdict) -> Tensor:
    real, fake = critic_output(verdict.output_real, "features"), critic_output(verdict.output_fake, "features")
    return (real.mean(0) - fake.mean(0)).square().mean()


feature_matching = FunctionTerm("features", _feature_gap, coupled=True)
"""‖E f(x) − E f(G(z))‖², the mean over features f of the critic's penultimate layer. Salimans et al. 2016
(arXiv:1606.03498), section 3.1, where it replaces the objective: set the weight of `generator` to 0 for that."""


def quarter_turns(n: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(n,) of 0, 1, 2, 3: turns by 90°."""
    return torch.randint(4, (n,), generator=generator, device=generator.device)


def _condition_mismatch(verdict: Verdict) -> Tensor:
    """−log of the probability a row of a table gives to the conditioned options; averaged over a pack."""
    condition, fake = verdict.condition, verdict.fake
    if condition is None or not condition.is_floating_point() or not isinstance(fake, Tensor) or fake.dim() != 2:
        raise UserError("the method 'asked' needs rows of a table: leave it out")
    rows = fake.reshape(*condition.shape[:-1], -1)[..., : condition.shape[-1]]
    return per_example(-(rows * condition).sum(-1).clamp(min=1e-6).log())


condition_match = FunctionTerm("asked", _condition_mismatch)
"""The generator's rows match their condition: Xu et al. 2019 (arXiv:1907.00503), section 4.3, applied to the relaxed
sample instead of its logits."""


def rotate(x: Sample, quarters: Tensor) -> Tensor:
    """Square images (n, c, h, h), each rotated by its number of quarter turns."""
    if not isinstance(x, Tensor) or x.dim() != 4 or x.shape[2] != x.shape[3]:
        raise UserError("the method 'rotation' needs square images: leave it out")
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
"""Rotation prediction: the critic learns it on real images, the generator on its own. Chen et al. 2019
(arXiv:1811.11212), eqs. 3 and 4: β = 1, α = .2. Each image is rotated once; the paper rotates a quarter of the batch
all four ways."""


def category_loss(z: int, categories: int) -> FunctionTerm:
    """−log Q(c | G(z, c)) of the category that follows the first z numbers of the latent: L_I up to H(c), Chen et al.
    2016 (arXiv:1606.03657), section 5."""

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
    """Σ ‖WᵀW ⊙ (1 − I)‖²_F over a player's weights: filters become orthogonal, their norms stay free.

    Brock et al. 2019 (arXiv:1809.11096), section 3.1, eq. 3; β = 1e-4. With spectral norm, W is the weight before it.
    """
    weights = [p for p in player.parameters() if p.dim() > 1]
    return FunctionTerm("orthogonal", lambda verdict: torch.stack([_off_diagonal(W.flatten(1)) for W in weights]).sum())


def likelihood(G: nn.Module) -> FunctionTerm:
    """−log p of real rows under an autoregressive generator (teacher forcing), in addition to the adversarial loss.
    Lamb et al. 2016 (arXiv:1610.09038), section 2.2."""
    if not isinstance(G, RowGenerator):
        raise UserError("the method 'likelihood' needs a generator of table rows: leave it out")

    def part(verdict: Verdict) -> Tensor:
        assert isinstance(verdict.real, Tensor)
        return G.nll(verdict.real, verdict.latent["z"], *(() if verdict.condition is None else (verdict.condition,)))

    return FunctionTerm("likelihood", part)


def _off_diagonal(W: Tensor) -> Tensor:
    """Σ over pairs i ≠ j of ⟨wᵢ, wⱼ⟩², for rows w of (o, i)."""
    gram = W @ W.T if len(W) <= W.shape[1] else W.T @ W  # WWᵀ and WᵀW have the same norm: compute the smaller one
    return gram.square().sum() - W.square().sum(1).square().sum()
