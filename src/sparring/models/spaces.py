"""Latent spaces of a generator: z; w and w+ where a mapping network turns z into styles."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sparring.build.networks import build_prior
from sparring.losses.running import Styled
from sparring.networks.layers.discrete import noise_dims
from sparring.priors import latent_moments, latent_slices
from sparring.recipes.recipe import Recipe, Shape

STYLES = 10_000
"""Styles that the moments of w are taken from: Karras et al. 2019 (arXiv:1812.04948), appendix B."""

DrawCondition = Callable[[int, torch.Generator], tuple[Tensor, ...]]
"""(n, generator) → the generator's inputs besides the latent: classes (n,) or attributes (n, k), or none."""


class LatentSpace(Protocol):
    """Latents are float32 (n, *shape), on the generator's device."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one latent."""
        ...

    @property
    def mean(self) -> Tensor:
        """(*shape)."""
        ...

    @property
    def std(self) -> Tensor:
        """(*shape)."""
        ...

    def draw(self, n: int, generator: torch.Generator, *condition: Tensor) -> Tensor:
        """n latents as training has them; conditions, unless given, are drawn as often as in training."""
        ...

    def from_z(self, z: Tensor, *condition: Tensor) -> Tensor:
        """The latents of z."""
        ...

    def make(self, latent: Tensor, *condition: Tensor) -> Tensor:
        """The generator's samples, float32 (n, …), images in [−1, 1]; differentiable if `latent` requires gradients."""
        ...

    def truncate(self, latent: Tensor, amount: float) -> Tensor:
        """Latents nearer to the mean: more typical samples, less variety."""
        ...

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """Latents between a and b, at t in [0, 1], (n,)."""
        ...


@runtime_checkable
class Mapped(Styled, Protocol):
    """A generator with a mapping network."""

    def mapped(self, z: Tensor, *condition: Tensor) -> Tensor:
        """w, (n, dim)."""
        ...


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


class ZSpace:
    """z as the prior draws it: normal numbers, a category as a one-hot vector, uniform codes (`latent_prior`)."""

    def __init__(self, G: nn.Module, recipe: Recipe, sample_shape: Shape, conditions: DrawCondition):
        self.G, self.sample_shape, self.conditions = G, sample_shape, conditions
        self.prior = build_prior(recipe, G)
        sizes = recipe.z, recipe.categories, recipe.codes, noise_dims(G)
        self.slices, self.shape = latent_slices(*sizes), (sum(sizes),)
        self._moments = latent_moments(*sizes)

    @property
    def mean(self) -> Tensor:
        return self._moments[0].to(self._like)

    @property
    def std(self) -> Tensor:
        return self._moments[1].to(self._like)

    @property
    def _like(self) -> Tensor:
        return next(self.G.parameters())

    def draw(self, n: int, generator: torch.Generator, *condition: Tensor) -> Tensor:
        return self.prior(n, self.sample_shape, generator)

    def from_z(self, z: Tensor, *condition: Tensor) -> Tensor:
        return z

    def make(self, latent: Tensor, *condition: Tensor) -> Tensor:
        return self.call(self.G, latent, *condition)

    def call(self, function: Callable[..., Tensor], latent: Tensor, *condition: Tensor) -> Tensor:
        """A function of the generator in evaluation mode, float32; differentiable if `latent` requires gradients."""
        differentiable = torch.is_grad_enabled() and latent.requires_grad
        with evaluation_mode(self.G), torch.set_grad_enabled(differentiable):
            return function(latent.to(self._like), *condition).float()

    def truncate(self, latent: Tensor, amount: float) -> Tensor:
        """Normal numbers in [−amount, amount]; categories and codes unchanged. Brock et al. 2019 (arXiv:1809.11096),
        section 3.1."""
        normal = self.slices["normal"].stop
        return torch.cat([truncate_normal(latent[:, :normal], amount), latent[:, normal:]], 1)

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """Normal numbers on the great circle from a to b; categories and codes are those of a."""
        normal = self.slices["normal"].stop
        return torch.cat([slerp(a[:, :normal], b[:, :normal], t), a[:, normal:]], 1)


class WSpace:
    """Styles w (n, dim), one for all layers: the mapping network's output."""

    def __init__(self, G: Mapped, z: ZSpace):
        self.G, self.z = G, z

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.mean.shape)

    @property
    def mean(self) -> Tensor:
        """w̄: the network's running mean where it has one, else the mean of `STYLES` styles."""
        running = getattr(self.G, "mean", None)
        return running if isinstance(running, Tensor) else self._styles.mean(0)

    @property
    def std(self) -> Tensor:
        """Of `STYLES` styles, always of the same z."""
        return self._styles.std(0, correction=0)

    @cached_property
    def _styles(self) -> Tensor:
        return self.draw(STYLES, self._seeded())

    @cached_property
    def depth(self) -> int:
        """Layers that take a style."""
        g = self._seeded()
        return self.z.call(self.G.styles, self.z.draw(1, g), *self.z.conditions(1, g)).shape[1]

    def _seeded(self) -> torch.Generator:
        return torch.Generator(self.z.mean.device).manual_seed(0)

    def draw(self, n: int, generator: torch.Generator, *condition: Tensor) -> Tensor:
        z = self.z.draw(n, generator)
        return self.from_z(z, *(condition or self.z.conditions(n, generator)))

    def from_z(self, z: Tensor, *condition: Tensor) -> Tensor:
        return self.z.call(self.G.mapped, z, *condition)

    def make(self, latent: Tensor, *condition: Tensor) -> Tensor:
        """The samples of styles; the condition is part of the style, so it has no effect here."""
        return self.z.call(self.G.synthesis, latent[:, None].expand(-1, self.depth, -1))

    def truncate(self, latent: Tensor, amount: float) -> Tensor:
        """w̄ + ψ(w − w̄), ψ the amount; 1 changes nothing. Karras et al. 2019, appendix B."""
        return torch.lerp(self.mean, latent, amount)

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """On the straight line from a to b."""
        return torch.lerp(a, b, t[:, None])


class WPlusSpace:
    """Styles w+ (n, depth, dim), one for each layer; those that are drawn are equal."""

    def __init__(self, w: WSpace):
        self.w = w

    @property
    def shape(self) -> tuple[int, ...]:
        return self.w.depth, *self.w.shape

    @property
    def mean(self) -> Tensor:
        return self.w.mean.expand(self.shape)

    @property
    def std(self) -> Tensor:
        return self.w.std.expand(self.shape)

    def draw(self, n: int, generator: torch.Generator, *condition: Tensor) -> Tensor:
        z = self.w.z.draw(n, generator)
        return self.from_z(z, *(condition or self.w.z.conditions(n, generator)))

    def from_z(self, z: Tensor, *condition: Tensor) -> Tensor:
        return self.w.z.call(self.w.G.styles, z, *condition)

    def make(self, latent: Tensor, *condition: Tensor) -> Tensor:
        """As `WSpace.make`."""
        return self.w.z.call(self.w.G.synthesis, latent)

    def truncate(self, latent: Tensor, amount: float) -> Tensor:
        """As `WSpace.truncate`, layer by layer."""
        return torch.lerp(self.mean, latent, amount)

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """On the straight line from a to b."""
        return torch.lerp(a, b, t[:, None, None])


def latent_spaces(
    G: nn.Module, recipe: Recipe, sample_shape: Shape, conditions: DrawCondition
) -> Mapping[str, LatentSpace]:
    """By name: "z"; "w" and "w+" where G has a mapping network."""
    z = ZSpace(G, recipe, sample_shape, conditions)
    if not isinstance(G, Mapped):
        return {"z": z}
    w = WSpace(G, z)
    return {"z": z, "w": w, "w+": WPlusSpace(w)}


def truncate_normal(z: Tensor, bound: float) -> Tensor:
    """z ~ N(0, 1) moved into [−bound, bound], as N(0, 1) is there: Φ⁻¹(Φ(−b) + Φ(z) (Φ(b) − Φ(−b)))."""
    low, high = torch.special.ndtr(torch.tensor([-bound, bound], dtype=torch.float64, device=z.device))
    return torch.special.ndtri(low + torch.special.ndtr(z.double()) * (high - low)).clamp(-bound, bound)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the great circle from a to b, (n, z), at t in [0, 1], (n,): White 2016 (arXiv:1609.04468), section 2.1.

    Between normal latents, a straight line would leave the shell on which they lie.
    """
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.acos().clamp(min=1e-6)
    weights = torch.stack([((1 - t) * angle).sin(), (t * angle).sin()]) / angle.sin()
    return weights[0, :, None] * a + weights[1, :, None] * b
