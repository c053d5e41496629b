"""Optional techniques: heads of the critic and loss terms that a paper adds to a GAN. `METHODS` is the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from sparring.errors import UserError, lookup
from sparring.game import LossTerm
from sparring.games.shared.options import GameContext
from sparring.losses import auxiliary
from sparring.losses.consistency import (
    consistent_fake,
    consistent_latent,
    consistent_real,
    invariant_category,
    invariant_codes,
    latent_diversity,
)
from sparring.losses.decoder import reconstruction
from sparring.losses.paired import cycle, matching, structure
from sparring.losses.running import HistoricalAverage, LeCam, PathLength
from sparring.networks.fastgan import decoders
from sparring.networks.layers import heads

HeadFactory = Callable[[int, GameContext], nn.Module]
"""(width of the critic's features, context) → a head."""
TermFactory = Callable[[nn.Module, GameContext], LossTerm]
"""(player, context) → a loss term of this player."""


def context_free(term: LossTerm) -> TermFactory:
    """A factory that returns the same term for every player and context."""
    return lambda player, context: term


@dataclass(frozen=True)
class Method:
    paper: str
    about: str
    heads: tuple[HeadFactory, ...] = ()
    """Heads of the critic whose outputs loss terms read."""
    additions: tuple[HeadFactory, ...] = ()
    """Heads of the critic whose outputs are added to its logits."""
    of_critic: tuple[TermFactory, ...] = ()
    of_generator: tuple[TermFactory, ...] = ()
    generator_penalties: tuple[TermFactory, ...] = ()
    """Terms of the generator that `generator_penalty_every` makes lazy."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of loss terms, as the paper has them; a recipe's own weights take precedence."""
    loss_terms: tuple[str, ...] = ()
    """Names of those that weigh 1."""
    conditional: bool = False
    """A kind of conditioning: a recipe has at most one, named by the option `conditioning`."""
    single_example: bool = False
    """Needs a critic of single examples, not of packs."""
    class_in_input: bool = False
    """The critic takes the class, or attributes, in planes beside the example."""
    class_in_network: bool = False
    """The critic's network takes the class, or attributes, itself."""
    requires: str = ""
    """Another method that must be present."""
    games: tuple[str, ...] = ("gan",)
    """Names of the games it goes with."""


METHODS = {
    "input": Method(
        "Mirza & Osindero 2014, arXiv:1411.1784",
        "the critic takes the class beside the example",
        conditional=True,
        class_in_input=True,
    ),
    "auxiliary": Method(
        "Odena et al. 2017, arXiv:1610.09585",
        "the critic classifies examples; the generator learns to have its own classified as asked",
        heads=(lambda width, context: heads.LinearHead("class", width, context.classes),),
        of_critic=(context_free(auxiliary.class_of_real),),
        of_generator=(context_free(auxiliary.class_of_fake),),
        conditional=True,
        single_example=True,
        loss_terms=("class",),
    ),
    "projection": Method(
        "Miyato & Koyama 2018, arXiv:1802.05637",
        "the critic's features are projected on an embedding of the class",
        additions=(lambda width, context: heads.ProjectionHead(width, context.classes),),
        conditional=True,
    ),
    "contrastive": Method(
        "Kang et al. 2021, arXiv:2111.01118",
        "the critic embeds an example near its class and far from examples of other classes",
        heads=(lambda width, context: heads.EmbeddingHead(width, context.classes),),
        of_critic=(context_free(auxiliary.contrast_of_real),),
        of_generator=(context_free(auxiliary.contrast_of_fake),),
        conditional=True,
        single_example=True,
        loss_terms=("contrast",),
    ),
    "own": Method(
        "the network's",
        "the critic's network takes the class as its paper describes",
        conditional=True,
        single_example=True,
        class_in_network=True,
    ),
    "asked": Method(
        "Xu et al. 2019, arXiv:1907.00503",
        "the generator of a table learns to produce the category that was conditioned on",
        of_generator=(context_free(auxiliary.condition_match),),
        loss_terms=("asked",),
    ),
    "codes": Method(
        "Chen et al. 2016, arXiv:1606.03657",
        "the critic predicts the category and the codes in the latent",
        heads=(
            lambda width, context: heads.LinearHead("category", width, context.categories),
            lambda width, context: heads.LinearHead("code", width, context.codes),
        ),
        of_critic=(
            lambda D, context: auxiliary.category_loss(context.z, context.categories),
            lambda D, context: auxiliary.code_loss(context.z + context.categories),
        ),
        of_generator=(
            lambda G, context: auxiliary.category_loss(context.z, context.categories),
            lambda G, context: auxiliary.code_loss(context.z + context.categories),
        ),
        weights={"code": 0.1},
        single_example=True,
        loss_terms=("category",),
    ),
    "invariance": Method(
        "Ji et al. 2019, arXiv:1807.06653",
        "the critic predicts the same category for a real image and for a jittered copy",
        of_critic=(context_free(invariant_category),),
        requires="codes",
        single_example=True,
        loss_terms=("invariance",),
    ),
    "steady": Method(
        "Chen et al. 2016, arXiv:1606.03657",
        "codes are predicted from shifted and scaled fakes, so that no code encodes position or size",
        of_critic=(lambda D, context: invariant_codes(context.z + context.categories),),
        of_generator=(lambda G, context: invariant_codes(context.z + context.categories),),
        requires="codes",
        single_example=True,
        loss_terms=("steady",),
    ),
    "feature-matching": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "the generator matches the mean of the critic's features",
        heads=(lambda width, context: heads.FeaturesHead(),),
        of_generator=(context_free(auxiliary.feature_matching),),
        loss_terms=("features",),
    ),
    "minibatch-discrimination": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "the critic sees the distances of an example to the others of its batch",
        additions=(lambda width, context: heads.MinibatchDiscrimination(width),),
    ),
    "minibatch-stddev": Method(
        "Karras et al. 2018, arXiv:1710.10196",
        "the critic sees the standard deviation of its features over the batch",
        additions=(lambda width, context: heads.MinibatchStddev(),),
    ),
    "historical-averaging": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "both players are kept near the average of their past weights",
        of_critic=(lambda D, context: HistoricalAverage(D),),
        of_generator=(lambda G, context: HistoricalAverage(G),),
        weights={"history": 0.01},
        games=("gan", "ali"),
    ),
    "consistency": Method(
        "Zhang et al. 2020, arXiv:1910.12027",
        "the critic's logits do not change when real images are shifted",
        of_critic=(context_free(consistent_real),),
        weights={"consistent_real": 10.0},
    ),
    "improved-consistency": Method(
        "Zhao et al. 2020, arXiv:2002.04724",
        "the critic's logits do not change with shifts and small changes of the latent; the generator's images do",
        of_critic=(
            context_free(consistent_real),
            context_free(consistent_fake),
            lambda D, context: consistent_latent(context.latent_dim),
        ),
        of_generator=(lambda G, context: latent_diversity(context.latent_dim),),
        weights={"consistent_real": 10.0, "consistent_fake": 10.0, "consistent_latent": 5.0, "varied": 0.5},
    ),
    "lecam": Method(
        "Tseng et al. 2021, arXiv:2104.03310",
        "logits are kept near the running mean of the other side's",
        of_critic=(lambda D, context: LeCam(),),
        weights={"lecam": 0.1},
        games=("gan", "ali"),
    ),
    "path-length": Method(
        "Karras et al. 2020, arXiv:1912.04958",
        "a step of fixed length in w, or in z without a w, changes an image by a constant amount",
        generator_penalties=(lambda G, context: PathLength(G, context.conditional),),
        weights={"path_length": 2.0},
    ),
    "rotation": Method(
        "Chen et al. 2019, arXiv:1811.11212",
        "the critic predicts by how many quarter turns an image was rotated",
        heads=(lambda width, context: heads.LinearHead("rotation", width, 4),),
        of_critic=(context_free(auxiliary.rotation_of_real),),
        of_generator=(context_free(auxiliary.rotation_of_fake),),
        weights={"rotation_fake": 0.2},
        loss_terms=("rotation",),
    ),
    "orthogonal": Method(
        "Brock et al. 2019, arXiv:1809.11096",
        "orthogonal regularisation of the generator's filters",
        of_generator=(lambda G, context: auxiliary.orthogonal_regulariser(G),),
        weights={"orthogonal": 1e-4},
    ),
    "reconstruction": Method(
        "Liu et al. 2021, arXiv:2101.04775",
        "the critic's features are decoded back to the real image",
        of_critic=(lambda D, context: reconstruction(**decoders(D)),),
        loss_terms=("reconstruction",),
    ),
    "matching": Method(
        "Wang et al. 2018, arXiv:1711.11585",
        "feature matching: the output has the target's features in the critic's layers",
        of_generator=(context_free(matching),),
        weights={"matching": 10.0},
        games=("pix2pix", "restoration"),
    ),
    "structure": Method(
        "Zhao et al. 2017, arXiv:1511.08861",
        "SSIM of output and target",
        of_generator=(context_free(structure),),
        weights={"structure": 10.0},
        games=("pix2pix", "restoration"),
    ),
    "likelihood": Method(
        "Lamb et al. 2016, arXiv:1610.09038",
        "maximum likelihood of real rows, column by column",
        of_generator=(lambda G, context: auxiliary.likelihood(G),),
        weights={"likelihood": 0.1},
    ),
    "cycle": Method(
        "Li et al. 2017, arXiv:1709.01215",
        "cycle consistency: an encoded example is decoded to itself",
        of_generator=(context_free(cycle),),
        games=("ali",),
        loss_terms=("cycle",),
    ),
}


def selected_methods(names: Sequence[str], context: GameContext) -> list[Method]:
    """The methods of these names that are no conditioning. Raises UserError for an unknown name, one that the game does
    not support, and one whose requirement is missing."""
    known = {name: method for name, method in METHODS.items() if not method.conditional}
    if len({"codes" in names, context.codes > 0, context.categories > 0}) > 1:
        raise UserError("the method 'codes' and the numbers categories and codes go together: set all three, or none")
    selected = [lookup(known, "method", name) for name in names]
    for name, method in zip(names, selected, strict=True):
        if context.game not in method.games:
            raise UserError(f"the method '{name}' goes with {', '.join(method.games)}, not with {context.game}")
        if method.requires and method.requires not in names:
            raise UserError(f"the method '{name}' goes with '{method.requires}': name both, or neither")
    return selected


def selected_conditioning(name: str, context: GameContext) -> list[Method]:
    """The conditioning of this name; none for "". Raises UserError for an unknown name, and for one of classes where
    the data has attributes."""
    known = {name: method for name, method in METHODS.items() if method.conditional}
    method = lookup(known, "conditioning", name) if name else None
    if method and context.attributes and not (method.class_in_input or method.class_in_network):
        raise UserError(f"'{name}' is of classes, but the data has attributes: --conditioning input")
    return [method] if method else []
