"""Heads of critics: extra outputs, and terms added to the logits.

A head maps features (n, d) to named extras of a `CriticOutput`; an addition maps features and the condition to logits
(n, 1). Both get spectral norm if the critic has it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, normalize
from torch.nn.utils import parametrize

from sparring.game import CriticOutput
from sparring.networks.layers.blocks import LayeredCritic, spectral_norm


def match_spectral_norm(net: nn.Module, *added: nn.Module) -> None:
    """Adds spectral norm to the added layers if the network has it."""
    if any(map(parametrize.is_parametrized, net.modules())):
        for module in [module for modules in added for module in modules.modules()]:
            if isinstance(module, nn.Linear | nn.Embedding):
                spectral_norm(module)


class HeadedCritic(nn.Module):
    """Samples and condition → logits plus all additions, with the extras of the network and the heads."""

    def __init__(self, net: LayeredCritic, heads: Sequence[nn.Module], additions: Sequence[nn.Module]):
        super().__init__()
        self.net, self.heads, self.additions = net, nn.ModuleList(heads), nn.ModuleList(additions)
        match_spectral_norm(net, self.heads, self.additions)

    def forward(self, x: Tensor, *condition: Tensor) -> CriticOutput:
        features, logits, extras = self.net.outputs(x, *condition)
        logits = logits + sum(addition(features, *condition) for addition in self.additions)
        return CriticOutput(
            logits, extras | {name: value for head in self.heads for name, value in head(features).items()}
        )


class FeaturesHead(nn.Module):
    """Features as an extra output."""

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {"features": features}


class StandardisedFeatures(nn.Module):
    """Features with mean 0 and variance 1 per example, so that distances do not depend on their scale."""

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {"features": layer_norm(features, features.shape[1:])}


class LinearHead(nn.Linear):
    """A linear map of the features, as the extra output `name`."""

    def __init__(self, name: str, width: int, outputs: int):
        super().__init__(width, outputs)
        self.name = name

    def forward(self, features: Tensor) -> dict[str, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {self.name: super().forward(features)}


class EmbeddingHead(nn.Module):
    """A unit embedding (n, dim), and its cosine to the proxy of each class, (n, classes).

    Kang et al. 2021 (arXiv:2111.01118), section 3.
    """

    def __init__(self, width: int, classes: int, dim: int = 128):
        super().__init__()
        self.embed, self.proxies = nn.Linear(width, dim), nn.Embedding(classes, dim)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        e = normalize(self.embed(features))
        return {"embedding": e, "class": e @ normalize(self.proxies.weight).T}


class ProjectionHead(nn.Module):
    """vᵧᵀφ(x): Miyato & Koyama 2018 (arXiv:1802.05637), eq. 3. Terms of a pack's classes are summed."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.v = nn.Embedding(classes, width)

    def forward(self, features: Tensor, y: Tensor) -> Tensor:
        v = self.v(y)
        return (v.flatten(1, -2).sum(1) * features if v.dim() > 2 else v * features).sum(1, keepdim=True)


class MinibatchDiscrimination(nn.Module):
    """Closeness to the other examples of the batch, by B learnt kernels. Salimans et al. 2016 (arXiv:1606.03498),
    section 3.2: Mᵢ = f(xᵢ)T, o(xᵢ)_b = Σⱼ exp(−‖Mᵢ_b − Mⱼ_b‖₁)."""

    coupled = True

    def __init__(self, width: int, kernels: int = 16, dims: int = 8):
        super().__init__()
        self.T = nn.Linear(width, kernels * dims, bias=False)
        self.weigh, self.kernels = nn.Linear(kernels, 1), kernels

    def forward(self, features: Tensor, *condition: Tensor) -> Tensor:
        M = self.T(features).unflatten(1, (self.kernels, -1))
        c = (-(M[:, None] - M).abs().sum(3)).exp()  # (n, n, kernels)
        return self.weigh(c.sum(1) - 1)  # without itself


class MinibatchStddev(nn.Module):
    """Mean standard deviation of the features over the batch, added to the logit with a learnt weight. Karras et al.
    2018 (arXiv:1710.10196), section 3, where it is a channel before the last convolution."""

    coupled = True

    def __init__(self):
        super().__init__()
        self.weigh = nn.Linear(1, 1)

    def forward(self, features: Tensor, *condition: Tensor) -> Tensor:
        spread = (features.var(0, correction=0) + 1e-8).sqrt().mean()
        return self.weigh(spread.expand(len(features), 1))


def feature_width(net: LayeredCritic, shape: Sequence[int], *condition: Tensor) -> int:
    """The number of features for samples of this shape (and the condition of two of them)."""
    was_training = net.training
    with torch.no_grad():
        features, _ = net.eval().features_and_logits(torch.zeros(2, *shape), *condition)
    net.train(was_training)
    return features.shape[1]
