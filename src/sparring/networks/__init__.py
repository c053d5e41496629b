"""Networks, a file an architecture. `NETWORKS` names what a model file may ask for: entries and numbers, never code."""

from collections.abc import Callable

from torch import nn

from sparring.networks.conv import ConvCritic
from sparring.networks.coupled import CoupledCritic, CoupledGenerator
from sparring.networks.dcgan import DCGANCritic, DCGANEncoder, DCGANGenerator
from sparring.networks.fourier import FourierCritic
from sparring.networks.mlp import MLPCritic, MLPGenerator
from sparring.networks.pairs import paired
from sparring.networks.resnet import ResNetCritic, ResNetGenerator
from sparring.networks.stylegan2 import StyleGAN2Critic, StyleGAN2Generator

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "mlp-generator": MLPGenerator,
    "mlp-critic": MLPCritic,
    "conv-critic": ConvCritic,
    "fourier-critic": FourierCritic,
    "dcgan-generator": DCGANGenerator,
    "dcgan-critic": DCGANCritic,
    "resnet-generator": ResNetGenerator,
    "resnet-critic": ResNetCritic,
    "stylegan2-generator": StyleGAN2Generator,
    "stylegan2-critic": StyleGAN2Critic,
    "coupled-generator": CoupledGenerator,
    "coupled-critic": CoupledCritic,
    "dcgan-encoder": DCGANEncoder,
    "dcgan-pair-critic": paired(DCGANCritic),
    "mlp-pair-critic": paired(MLPCritic),
}
