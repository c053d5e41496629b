"""What a critic tells of its features beside its logits, and what it adds to them.

A head maps features (n, d) to named extras of an `Opinion`; an addition maps features and what is given to logits
(n, 1). Layers added to a critic of spectral norm have it too.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, normalize
from torch.nn.utils import parametrize

from sparring.game import CriticOutput
from sparring.networks.layers.blocks import LayeredCritic, spectral_norm


def match_spectral_norm(net: nn.Module, *added: nn.Module) -> None:
    """Gives the layers that are added to a net spectral norm, if it has it."""
    if any(map(parametrize.is_parametrized, net.modules())):
        for module in [module for modules in added for module in modules.modules()]:
            if isinstance(module, nn.Linear | nn.Embedding):
                spectral_norm(module)


class HeadedCritic(nn.Module):
    """Samples, and what is given with them → the net's logits with all additions, and what it and the heads tell."""

    def __init__(self, net: LayeredCritic, heads: Sequence[nn.Module], additions: Sequence[nn.Module]):
        super().__init__()
        self.net, self.heads, self.additions = net, nn.ModuleList(heads), nn.ModuleList(additions)
        match_spectral_norm(net, self.heads, self.additions)

    def forward(self, x: Tensor, *given: Tensor) -> CriticOutput:
        features, logits, told = self.net.tell(x, *given)
        logits = logits + sum(addition(features, *given) for addition in self.additions)
        return CriticOutput(
            logits, told | {name: value for head in self.heads for name, value in head(features).items()}
        )


class FeaturesHead(nn.Module):
    """The features themselves."""

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {"features": features}


class StandardisedFeatures(nn.Module):
    """The features of each example with mean 0 and variance 1, so that distances do not hang on the critic's scale."""

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {"features": layer_norm(features, features.shape[1:])}


class LinearHead(nn.Linear):
    """Logits or numbers of one name: `linear` of the features."""

    def __init__(self, name: str, width: int, outputs: int):
        super().__init__(width, outputs)
        self.name = name

    def forward(self, features: Tensor) -> dict[str, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {self.name: super().forward(features)}


class EmbeddingHead(nn.Module):
    """An embedding of length 1, (n, dim), and its cosine to a proxy of each class, (n, classes).

    Kang et al. 2021 (arXiv:2111.01118), section 3.
    """

    def __init__(self, width: int, classes: int, dim: int = 128):
        super().__init__()
        self.embed, self.proxies = nn.Linear(width, dim), nn.Embedding(classes, dim)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        e = normalize(self.embed(features))
        return {"embedding": e, "class": e @ normalize(self.proxies.weight).T}


class ProjectionHead(nn.Module):
    """vᵧᵀφ(x): Miyato & Koyama 2018 (arXiv:1802.05637), eq. 3. The classes of a pack are added up."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.v = nn.Embedding(classes, width)

    def forward(self, features: Tensor, y: Tensor) -> Tensor:
        v = self.v(y)
        return (v.flatten(1, -2).sum(1) * features if v.dim() > 2 else v * features).sum(1, keepdim=True)


class MinibatchDiscrimination(nn.Module):
    """How near an example is to the others of its batch, by B learnt kernels. Salimans et al. 2016 (arXiv:1606.03498),
    section 3.2: Mᵢ = f(xᵢ)T, o(xᵢ)_b = Σⱼ exp(−‖Mᵢ_b − Mⱼ_b‖₁)."""

    coupled = True

    def __init__(self, width: int, kernels: int = 16, dims: int = 8):
        super().__init__()
        self.T = nn.Linear(width, kernels * dims, bias=False)
        self.weigh, self.kernels = nn.Linear(kernels, 1), kernels

    def forward(self, features: Tensor, *given: Tensor) -> Tensor:
        M = self.T(features).unflatten(1, (self.kernels, -1))
        c = (-(M[:, None] - M).abs().sum(3)).exp()  # (n, n, kernels)
        return self.weigh(c.sum(1) - 1)  # itself left out


class MinibatchStddev(nn.Module):
    """How much features vary over the batch, one number for all of it. Karras et al. 2018 (arXiv:1710.10196), section
    3; there it is a plane before the last convolution, here it has a weight of its own in the logit."""

    coupled = True

    def __init__(self):
        super().__init__()
        self.weigh = nn.Linear(1, 1)

    def forward(self, features: Tensor, *given: Tensor) -> Tensor:
        spread = (features.var(0, correction=0) + 1e-8).sqrt().mean()
        return self.weigh(spread.expand(len(features), 1))


def feature_width(net: LayeredCritic, shape: Sequence[int], *given: Tensor) -> int:
    """Of its features, for samples of a shape (and what is given with two of them)."""
    was_training = net.training
    with torch.no_grad():
        features, _ = net.eval().features_and_logits(torch.zeros(2, *shape), *given)
    net.train(was_training)
    return features.shape[1]
