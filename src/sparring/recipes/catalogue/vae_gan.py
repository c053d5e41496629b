"""A variational autoencoder whose errors are measured by a critic's features, on DCGAN's networks.

Unlike the paper: Adam instead of RMSProp; spectral norm in the critic; its features, its last but one layer's, have
mean 0 and variance 1 in each example, for else the divergence outweighs errors in the small features of a small critic
(on digits it fell to .02 nats); the real term weighs as much as those of samples and reconstructions together. γ is
`--weight.decoded`: on digits, seed 0, after 40,000 images, the samples' Fréchet distance was 567 with .01, 237 with
.002, 123 with .0003, each with a batch-norm critic, and 73 with .0005 and spectral norm; 95 to 97 % of the
reconstructions kept their class with any of these.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice, Network

VAE_GAN = replace(
    DCGAN,
    name="vae-gan",
    paper="Larsen et al. 2016, arXiv:1512.09300",
    about="a variational autoencoder that measures its errors by a critic's features",
    game=GameChoice("vae-gan"),
    critic=Network("dcgan-critic", {"width": 32, "norm": "spectral"}),
    encoder=Network("dcgan-encoder", {"width": 32, "moments": 2}),
    z=64,
    weights={"decoded": 0.0005},
)
