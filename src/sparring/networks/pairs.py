"""Critics of (sample, latent) pairs for ALI and BiGAN.

Dumoulin et al. 2017 (arXiv:1606.00704), section 2.2; Donahue et al. 2017 (arXiv:1605.09782), section 3.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import LayeredCritic, dense_layers
from sparring.networks.layers.heads import feature_width, match_spectral_norm
from sparring.networks.layers.sizes import Shape


class PairCritic(nn.Module):
    """(x (n, …), z (n, z)) → logits (n, 1): an MLP on the features of x from `body` and of z from another MLP.

    The logit of x alone is added, as in Donahue & Simonyan 2019 (arXiv:1907.02544), section 2.

    Args:
        hidden: width of both MLPs.
        dropout: their dropout probability.
    """

    def __init__(self, body: LayeredCritic, shape: Shape, z: int, hidden: int, dropout: float):
        super().__init__()
        self.body = body
        self.of_z = nn.Sequential(*dense_layers([z, hidden, hidden], dropout))
        joint = dense_layers([feature_width(body, shape) + hidden, hidden, hidden], dropout)
        self.of_both = nn.Sequential(*joint, nn.Linear(hidden, 1))
        match_spectral_norm(body, self.of_z, self.of_both)

    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        x, z = pair
        features, logits = self.body.features_and_logits(x)
        return logits + self.of_both(torch.cat([features, self.of_z(z)], 1))


def paired(body: Callable[..., LayeredCritic]) -> Callable[..., PairCritic]:
    """A constructor of pair critics whose body is `body(shape, **options)`."""

    def build(shape: Shape, z: int = 100, hidden: int = 256, dropout: float = 0.2, **options) -> PairCritic:
        return PairCritic(body(shape, **options), shape, z, hidden, dropout)

    return build
