"""What a paper adds to the two-player game: what the critic tells or adds up beside its logits, and what the players
want besides their objective. Any of them goes with any recipe whose networks can. The dict is the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from sparring.game import LossTerm
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
from sparring.recipes.recipe import Recipe


@dataclass(frozen=True)
class BuildContext:
    """What a method is fitted to."""

    recipe: Recipe
    classes: int
    """Or attributes; 0 if nothing is given with the examples."""


HeadFactory = Callable[[int, BuildContext], nn.Module]
"""Of a critic, for features of this width."""
TermFactory = Callable[[nn.Module, BuildContext], LossTerm]
"""What this player wants."""


def constant(wish: LossTerm) -> TermFactory:
    return lambda player, fit: wish


@dataclass(frozen=True)
class Method:
    paper: str
    about: str
    heads: tuple[HeadFactory, ...] = ()
    """What the critic tells of its features."""
    additions: tuple[HeadFactory, ...] = ()
    """What it adds to its logits."""
    of_critic: tuple[TermFactory, ...] = ()
    of_generator: tuple[TermFactory, ...] = ()
    generator_penalties: tuple[TermFactory, ...] = ()
    """What the generator wants too, and may be asked for seldom (`generator_penalty_every`)."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of the parts, as the paper weighs them; a recipe's own go before."""
    conditional: bool = False
    """It is a way to meet the class: one of them a recipe, by the name of its `conditioning`."""
    single_example: bool = False
    """It speaks of single examples, not of packs."""
    class_in_input: bool = False
    """The critic's net is shown the class beside the sample; attributes will do too."""
    class_in_network: bool = False
    """The critic's network takes `classes`, and meets them in its own way; attributes will do too."""
    requires: str = ""
    """Another that it goes with, and not without."""
    games: tuple[str, ...] = ("gan",)
    """It goes with: names of `sparring.build.game.GAMES`."""


METHODS = {
    "input": Method(
        "Mirza & Osindero 2014, arXiv:1411.1784", "the critic is shown the class", conditional=True, class_in_input=True
    ),
    "auxiliary": Method(
        "Odena et al. 2017, arXiv:1610.09585",
        "the critic tells the class, as the generator wants it to",
        heads=(lambda width, fit: heads.LinearHead("class", width, fit.classes),),
        of_critic=(constant(auxiliary.class_of_real),),
        of_generator=(constant(auxiliary.class_of_fake),),
        conditional=True,
        single_example=True,
    ),
    "projection": Method(
        "Miyato & Koyama 2018, arXiv:1802.05637",
        "the critic's features are projected on a vector of the class",
        additions=(lambda width, fit: heads.ProjectionHead(width, fit.classes),),
        conditional=True,
    ),
    "contrastive": Method(
        "Kang et al. 2021, arXiv:2111.01118",
        "the critic's embedding is near the class's, far from those of examples of other classes",
        heads=(lambda width, fit: heads.EmbeddingHead(width, fit.classes),),
        of_critic=(constant(auxiliary.contrast_of_real),),
        of_generator=(constant(auxiliary.contrast_of_fake),),
        conditional=True,
        single_example=True,
    ),
    "own": Method(
        "the network's",
        "the critic meets the class as its network's paper has it",
        conditional=True,
        single_example=True,
        class_in_network=True,
    ),
    "asked": Method(
        "Xu et al. 2019, arXiv:1907.00503",
        "the generator of a table chooses the option that was asked for",
        of_generator=(constant(auxiliary.condition_match),),
    ),
    "codes": Method(
        "Chen et al. 2016, arXiv:1606.03657",
        "the critic tells the category and the codes in the latent",
        heads=(
            lambda width, fit: heads.LinearHead("category", width, fit.recipe.categories),
            lambda width, fit: heads.LinearHead("code", width, fit.recipe.codes),
        ),
        of_critic=(
            lambda D, fit: auxiliary.category_loss(fit.recipe.z, fit.recipe.categories),
            lambda D, fit: auxiliary.code_loss(fit.recipe.z + fit.recipe.categories),
        ),
        of_generator=(
            lambda G, fit: auxiliary.category_loss(fit.recipe.z, fit.recipe.categories),
            lambda G, fit: auxiliary.code_loss(fit.recipe.z + fit.recipe.categories),
        ),
        weights={"code": 0.1},
        single_example=True,
    ),
    "invariance": Method(
        "Ji et al. 2019, arXiv:1807.06653",
        "the category that the critic tells of a real image is that of the same image changed",
        of_critic=(constant(invariant_category),),
        requires="codes",
        single_example=True,
    ),
    "steady": Method(
        "Chen et al. 2016, arXiv:1606.03657",
        "the codes are told of fakes that were shifted and scaled, so none of them comes to be a place or a size",
        of_critic=(lambda D, fit: invariant_codes(fit.recipe.z + fit.recipe.categories),),
        of_generator=(lambda G, fit: invariant_codes(fit.recipe.z + fit.recipe.categories),),
        requires="codes",
        single_example=True,
    ),
    "feature-matching": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "the generator matches the mean of the critic's features",
        heads=(lambda width, fit: heads.FeaturesHead(),),
        of_generator=(constant(auxiliary.feature_matching),),
    ),
    "minibatch-discrimination": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "the critic sees how near an example is to the others of its batch",
        additions=(lambda width, fit: heads.MinibatchDiscrimination(width),),
    ),
    "minibatch-stddev": Method(
        "Karras et al. 2018, arXiv:1710.10196",
        "the critic sees how much its features vary over the batch",
        additions=(lambda width, fit: heads.MinibatchStddev(),),
    ),
    "historical-averaging": Method(
        "Salimans et al. 2016, arXiv:1606.03498",
        "both players are held near the average of their past weights",
        of_critic=(lambda D, fit: HistoricalAverage(D),),
        of_generator=(lambda G, fit: HistoricalAverage(G),),
        weights={"history": 0.01},
        games=("gan", "ali"),
    ),
    "consistency": Method(
        "Zhang et al. 2020, arXiv:1910.12027",
        "the critic answers shifted real images alike",
        of_critic=(constant(consistent_real),),
        weights={"consistent_real": 10.0},
    ),
    "improved-consistency": Method(
        "Zhao et al. 2020, arXiv:2002.04724",
        "the critic answers shifted images and near latents alike, the generator does not",
        of_critic=(
            constant(consistent_real),
            constant(consistent_fake),
            lambda D, fit: consistent_latent(fit.recipe.latent_dim),
        ),
        of_generator=(lambda G, fit: latent_diversity(fit.recipe.latent_dim),),
        weights={"consistent_real": 10.0, "consistent_fake": 10.0, "consistent_latent": 5.0, "varied": 0.5},
    ),
    "lecam": Method(
        "Tseng et al. 2021, arXiv:2104.03310",
        "the critic's logits are held near their running means on the other side",
        of_critic=(lambda D, fit: LeCam(),),
        weights={"lecam": 0.1},
        games=("gan", "ali"),
    ),
    "path-length": Method(
        "Karras et al. 2020, arXiv:1912.04958",
        "a step in w, or in z where there is none, changes a sample as much wherever it is taken",
        generator_penalties=(lambda G, fit: PathLength(G, fit.recipe.conditional),),
        weights={"path_length": 2.0},
    ),
    "rotation": Method(
        "Chen et al. 2019, arXiv:1811.11212",
        "the critic tells by how many quarters an image was turned",
        heads=(lambda width, fit: heads.LinearHead("rotation", width, 4),),
        of_critic=(constant(auxiliary.rotation_of_real),),
        of_generator=(constant(auxiliary.rotation_of_fake),),
        weights={"rotation_fake": 0.2},
    ),
    "orthogonal": Method(
        "Brock et al. 2019, arXiv:1809.11096",
        "the generator's filters are held orthogonal",
        of_generator=(lambda G, fit: auxiliary.orthogonal_regulariser(G),),
        weights={"orthogonal": 1e-4},
    ),
    "reconstruction": Method(
        "Liu et al. 2021, arXiv:2101.04775",
        "the critic decodes real images from what it makes of them",
        of_critic=(lambda D, fit: reconstruction(**decoders(D)),),
    ),
    "matching": Method(
        "Wang et al. 2018, arXiv:1711.11585",
        "a picture made of another is to look to the critic's layers like the right answer",
        of_generator=(constant(matching),),
        weights={"matching": 10.0},
        games=("pix2pix", "restoration"),
    ),
    "structure": Method(
        "Zhao et al. 2017, arXiv:1511.08861",
        "a picture made of another is to have the structure of the right answer, by SSIM",
        of_generator=(constant(structure),),
        weights={"structure": 10.0},
        games=("pix2pix", "restoration"),
    ),
    "likelihood": Method(
        "Lamb et al. 2016, arXiv:1610.09038",
        "a generator of tables is to find real rows likely, column by column",
        of_generator=(lambda G, fit: auxiliary.likelihood(G),),
        weights={"likelihood": 0.1},
    ),
    "cycle": Method(
        "Li et al. 2017, arXiv:1709.01215",
        "what is encoded decodes to itself",
        of_generator=(constant(cycle),),
        games=("ali",),
    ),
}
