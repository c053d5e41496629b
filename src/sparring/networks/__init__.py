"""Network architectures, one file each, and `NETWORKS`, the registry that recipes and model files refer to."""

from collections.abc import Callable

from torch import nn

from sparring.networks.biggan import BigGANCritic, BigGANDeepCritic, BigGANDeepGenerator, BigGANGenerator
from sparring.networks.conv_critic import ConvCritic
from sparring.networks.coupled import CoupledCritic, CoupledGenerator
from sparring.networks.dcgan import DCGANCritic, DCGANEncoder, DCGANGenerator
from sparring.networks.fastgan import FastGANCritic, FastGANGenerator
from sparring.networks.fourier import FourierCritic
from sparring.networks.gated import GatedUNet
from sparring.networks.mlp import MLPCritic, MLPGenerator
from sparring.networks.pairs import paired
from sparring.networks.patch import DomainCritic, PatchCritic
from sparring.networks.progan import ProGANCritic, ProGANGenerator
from sparring.networks.r3gan import R3GANCritic, R3GANGenerator
from sparring.networks.resnet import ResNetCritic, ResNetGenerator
from sparring.networks.rrdb import RRDB
from sparring.networks.stylegan2 import StyleGAN2Critic, StyleGAN2Generator
from sparring.networks.table import CTGANCritic, CTGANGenerator, TableCritic, TableGenerator
from sparring.networks.translator import Translator
from sparring.networks.unet import UNet

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "mlp-generator": MLPGenerator,
    "mlp-critic": MLPCritic,
    "conv-critic": ConvCritic,
    "fourier-critic": FourierCritic,
    "dcgan-generator": DCGANGenerator,
    "dcgan-critic": DCGANCritic,
    "resnet-generator": ResNetGenerator,
    "resnet-critic": ResNetCritic,
    "progan-generator": ProGANGenerator,
    "progan-critic": ProGANCritic,
    "r3gan-generator": R3GANGenerator,
    "r3gan-critic": R3GANCritic,
    "biggan-generator": BigGANGenerator,
    "biggan-critic": BigGANCritic,
    "biggan-deep-generator": BigGANDeepGenerator,
    "biggan-deep-critic": BigGANDeepCritic,
    "fastgan-generator": FastGANGenerator,
    "fastgan-critic": FastGANCritic,
    "stylegan2-generator": StyleGAN2Generator,
    "stylegan2-critic": StyleGAN2Critic,
    "table-generator": TableGenerator,
    "table-critic": TableCritic,
    "ctgan-generator": CTGANGenerator,
    "ctgan-critic": CTGANCritic,
    "coupled-generator": CoupledGenerator,
    "coupled-critic": CoupledCritic,
    "dcgan-encoder": DCGANEncoder,
    "dcgan-pair-critic": paired(DCGANCritic),
    "mlp-pair-critic": paired(MLPCritic),
    "unet": UNet,
    "gated-unet": GatedUNet,
    "translator": Translator,
    "rrdb": RRDB,
    "patch-critic": PatchCritic,
    "domain-critic": DomainCritic,
}
