"""Critics of examples with their latents: Dumoulin et al. 2017 (arXiv:1606.00704), section 2.2; Donahue et al. 2017
(arXiv:1605.09782), section 3."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sparring.networks.layers.blocks import LayeredCritic
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.heads import feature_width, match_spectral_norm


class PairCritic(nn.Module):
    """(x (n, …), z (n, z)) → logits (n, 1): a body's features of x and a perceptron's of z, then a perceptron of both.

    The body's own logit, what x tells alone, is added to the pair's, as Donahue & Simonyan 2019 (arXiv:1907.02544),
    section 2, add it to BiGAN's.

    Args:
        hidden: width of the perceptrons.
        dropout: share of their units that are dropped.
    """

    def __init__(self, body: LayeredCritic, shape: Sequence[int], z: int, hidden: int, dropout: float):
        super().__init__()
        self.body = body
        self.of_z = nn.Sequential(*_layer(z, hidden, dropout), *_layer(hidden, hidden, dropout))
        self.of_both = nn.Sequential(
            *_layer(feature_width(body, shape) + hidden, hidden, dropout),
            *_layer(hidden, hidden, dropout),
            nn.Linear(hidden, 1),
        )
        match_spectral_norm(body, self.of_z, self.of_both)

    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        x, z = pair
        features, logits = self.body.features_and_logits(x)
        return logits + self.of_both(torch.cat([features, self.of_z(z)], 1))


def _layer(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2), Dropout(dropout)]


def paired(body: Callable[..., LayeredCritic]) -> Callable[..., PairCritic]:
    """Builds critics of pairs with bodies of this kind, whose numbers they take beside their own."""

    def build(shape: Sequence[int], z: int = 100, hidden: int = 256, dropout: float = 0.2, **numbers) -> PairCritic:
        return PairCritic(body(shape, **numbers), shape, z, hidden, dropout)

    return build
