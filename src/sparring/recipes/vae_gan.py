"""VAE-GAN on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

VAE_GAN = replace(
    DCGAN,
    name="vae-gan",
    paper="Larsen et al. 2016, arXiv:1512.09300",
    about="a variational autoencoder that measures its errors by a critic's features",
    plays="vae-gan",
    encoder=Network("dcgan-encoder", {"width": 32, "moments": 2}),
    z=64,
    weights={"decoded": 0.01},
)
