"""Recipes, a file a paper; the dict is the registry."""

from sparring.errors import lookup
from sparring.recipes.catalogue.acgan import ACGAN
from sparring.recipes.catalogue.ali import ALI
from sparring.recipes.catalogue.bigan import BIGAN
from sparring.recipes.catalogue.biggan import BIGGAN
from sparring.recipes.catalogue.biggan_deep import BIGGAN_DEEP
from sparring.recipes.catalogue.cgan import CGAN
from sparring.recipes.catalogue.cogan import COGAN
from sparring.recipes.catalogue.colorize import COLORIZE
from sparring.recipes.catalogue.ctgan import CTGAN
from sparring.recipes.catalogue.cut import CUT
from sparring.recipes.catalogue.cyclegan import CYCLEGAN
from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.catalogue.deblur import DEBLUR
from sparring.recipes.catalogue.denoise import DENOISE
from sparring.recipes.catalogue.dense import DENSE
from sparring.recipes.catalogue.dense_conv import DENSE_CONV
from sparring.recipes.catalogue.dragan import DRAGAN
from sparring.recipes.catalogue.fastcut import FASTCUT
from sparring.recipes.catalogue.fastgan import FASTGAN
from sparring.recipes.catalogue.hinge import HINGE
from sparring.recipes.catalogue.infogan import INFOGAN
from sparring.recipes.catalogue.inpaint import INPAINT
from sparring.recipes.catalogue.lsgan import LSGAN
from sparring.recipes.catalogue.mlp_gan import MLP_GAN
from sparring.recipes.catalogue.pacgan import PACGAN
from sparring.recipes.catalogue.pix2pix import PIX2PIX
from sparring.recipes.catalogue.points import POINTS
from sparring.recipes.catalogue.progan import PROGAN
from sparring.recipes.catalogue.projection import PROJECTION
from sparring.recipes.catalogue.r3gan import R3GAN
from sparring.recipes.catalogue.r3gan_presets import PRESETS
from sparring.recipes.catalogue.ragan import RAGAN
from sparring.recipes.catalogue.reacgan import REACGAN
from sparring.recipes.catalogue.rpgan import RPGAN
from sparring.recipes.catalogue.sagan import SAGAN
from sparring.recipes.catalogue.sngan import SNGAN
from sparring.recipes.catalogue.stargan import STARGAN
from sparring.recipes.catalogue.stylegan2 import STYLEGAN2
from sparring.recipes.catalogue.table import TABLE
from sparring.recipes.catalogue.upscale import UPSCALE
from sparring.recipes.catalogue.vae_gan import VAE_GAN
from sparring.recipes.catalogue.wgan import WGAN
from sparring.recipes.catalogue.wgan_gp import WGAN_GP
from sparring.recipes.recipe import GameChoice, Network, Recipe

_UNCONDITIONAL = (DENSE, DENSE_CONV, MLP_GAN, DCGAN, LSGAN, WGAN, WGAN_GP, DRAGAN, HINGE, RAGAN, RPGAN, PROGAN, R3GAN)
_CONDITIONAL = (CGAN, ACGAN, PROJECTION, REACGAN)
_FURTHER = (INFOGAN, PACGAN, SNGAN, SAGAN, BIGGAN, BIGGAN_DEEP, FASTGAN, STYLEGAN2, COGAN)
_WITH_ENCODER = (ALI, BIGAN, VAE_GAN)
_OTHER_MODALITIES = (POINTS, TABLE, CTGAN)
_IMAGE_TO_IMAGE = (PIX2PIX, CYCLEGAN, CUT, FASTCUT, STARGAN, DENOISE, DEBLUR, INPAINT, COLORIZE, UPSCALE)
_GENERATIVE = (*_UNCONDITIONAL, *PRESETS, *_CONDITIONAL, *_FURTHER, *_WITH_ENCODER, *_OTHER_MODALITIES)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (*_GENERATIVE, *_IMAGE_TO_IMAGE)}


def get_recipe(name: str) -> Recipe:
    """Raises UserError for a name that is not there, with the nearest one that is."""
    return lookup(RECIPES, "recipe", name)


def encoding() -> list[str]:
    """The names of those with an encoder."""
    return [name for name, recipe in RECIPES.items() if recipe.encoder]


__all__ = ["RECIPES", "GameChoice", "Network", "Recipe", "encoding", "get_recipe"]
