"""Recipes, a file a paper; the dict is the registry."""

from sparring.errors import entry
from sparring.recipes.acgan import ACGAN
from sparring.recipes.ali import ALI
from sparring.recipes.base import Network, Recipe
from sparring.recipes.bigan import BIGAN
from sparring.recipes.biggan import BIGGAN
from sparring.recipes.biggan_deep import BIGGAN_DEEP
from sparring.recipes.cgan import CGAN
from sparring.recipes.cogan import COGAN
from sparring.recipes.colorize import COLORIZE
from sparring.recipes.ctgan import CTGAN
from sparring.recipes.cut import CUT
from sparring.recipes.cyclegan import CYCLEGAN
from sparring.recipes.dcgan import DCGAN
from sparring.recipes.deblur import DEBLUR
from sparring.recipes.denoise import DENOISE
from sparring.recipes.dense import DENSE
from sparring.recipes.dense_conv import DENSE_CONV
from sparring.recipes.dragan import DRAGAN
from sparring.recipes.fastcut import FASTCUT
from sparring.recipes.fastgan import FASTGAN
from sparring.recipes.hinge import HINGE
from sparring.recipes.infogan import INFOGAN
from sparring.recipes.inpaint import INPAINT
from sparring.recipes.lsgan import LSGAN
from sparring.recipes.mlp_gan import MLP_GAN
from sparring.recipes.pacgan import PACGAN
from sparring.recipes.pix2pix import PIX2PIX
from sparring.recipes.points import POINTS
from sparring.recipes.progan import PROGAN
from sparring.recipes.projection import PROJECTION
from sparring.recipes.r3gan import R3GAN
from sparring.recipes.r3gan_presets import PRESETS
from sparring.recipes.ragan import RAGAN
from sparring.recipes.reacgan import REACGAN
from sparring.recipes.rpgan import RPGAN
from sparring.recipes.sagan import SAGAN
from sparring.recipes.sngan import SNGAN
from sparring.recipes.stargan import STARGAN
from sparring.recipes.stylegan2 import STYLEGAN2
from sparring.recipes.table import TABLE
from sparring.recipes.upscale import UPSCALE
from sparring.recipes.vae_gan import VAE_GAN
from sparring.recipes.wgan import WGAN
from sparring.recipes.wgan_gp import WGAN_GP

_ALL = (
    DENSE,
    DENSE_CONV,
    MLP_GAN,
    DCGAN,
    LSGAN,
    WGAN,
    WGAN_GP,
    DRAGAN,
    HINGE,
    RAGAN,
    RPGAN,
    PROGAN,
    R3GAN,
    *PRESETS,
    CGAN,
    ACGAN,
    PROJECTION,
    REACGAN,
    INFOGAN,
    PACGAN,
    SNGAN,
    SAGAN,
    BIGGAN,
    BIGGAN_DEEP,
    FASTGAN,
    STYLEGAN2,
    COGAN,
    ALI,
    BIGAN,
    VAE_GAN,
    POINTS,
    TABLE,
    CTGAN,
    PIX2PIX,
    CYCLEGAN,
    CUT,
    FASTCUT,
    STARGAN,
    DENOISE,
    DEBLUR,
    INPAINT,
    COLORIZE,
    UPSCALE,
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def named(name: str) -> Recipe:
    """Raises UserError for a name that is not there, with the nearest one that is."""
    return entry(RECIPES, "recipe", name)


def encoding() -> list[str]:
    """The names of those with an encoder."""
    return [name for name, recipe in RECIPES.items() if recipe.encoder]


__all__ = ["RECIPES", "Network", "Recipe", "encoding", "named"]
