"""What a game leaves: the averaged players to keep, the prior they were trained with, and how to draw from them.

On disk a model is `model.json` (names of the library's own entries and bounded numbers, never code) beside
safetensors: `last` holds the latest weights, `best` those with the best selection score, when there were scores.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from PIL import Image
from torch import Tensor, nn

from sparring.build.networks import build_prior
from sparring.errors import UserError
from sparring.modalities.base import Modality, medium
from sparring.models.conditions import KEPT, Attributes, ClassLabels, Conditioning, TableConditions
from sparring.models.spec import ModelSpec
from sparring.networks.layers.discrete import chance
from sparring.recipes import encoding
from sparring.recipes.recipe import Shape
from sparring.rng import CLASS, SAMPLE, generator
from sparring.storage import atomic, tensors

CHUNK = 500
"""Samples are drawn in chunks of this size, each from a stream of its own: sample i does not depend on how many."""

ENCODER = "E/"
"""Before the names of the encoder's weights; the generator's stand without."""

Inputs = Sequence[Tensor]
"""Of a generator: latents z (n, z), then classes y (n,) or attributes (n, k) if it is conditional."""

ROWS = "attributes"
"""Of training examples: beside the weights in a model's file."""


@runtime_checkable
class Truncating(Protocol):
    """A generator that truncates in a space of its own."""

    def truncated(self, z: Tensor, *given: Tensor, psi: float) -> Tensor: ...


class Model:
    """
    Args:
        G: latents → fake.
        E: examples → latents, or their posterior's mean and what else there is behind it.
        rows: attributes of training examples, float32 (m, k), if it is conditional on such.
    """

    def __init__(self, description: ModelSpec, G: nn.Module, E: nn.Module | None = None, rows: Tensor | None = None):
        self.spec, self.G = description, G.eval().requires_grad_(False)
        self.E = None if E is None else E.eval().requires_grad_(False)
        self.conditioning: Conditioning | None = None
        if description.recipe.conditional:
            names, shares, scales = description.labels, description.shares, description.scales
            self.conditioning = ClassLabels(names, shares) if rows is None else Attributes(names, scales, rows[:KEPT])
        if description.schema is not None and description.recipe.conditional:
            self.conditioning = TableConditions(description.schema.option_shares, tuple(description.schema.choices))

    @property
    def players(self) -> dict[str, nn.Module]:
        """By name."""
        return {"G": self.G} if self.E is None else {"G": self.G, "E": self.E}

    @property
    def shape(self) -> Shape:
        """Of a sample: channels, height, width."""
        return self.spec.shape

    @property
    def medium(self) -> Modality:
        return medium(self.spec.recipe.medium, self.spec.schema)

    @property
    def chunk(self) -> int:
        """How many samples are drawn at once; rows of tables are small."""
        return CHUNK if self.spec.schema is None else 10 * CHUNK

    @property
    def classes(self) -> tuple[str, ...]:
        """That can be asked for; none if the model is not conditional, or conditional on attributes."""
        return self.conditioning.names if isinstance(self.conditioning, ClassLabels) else ()

    def sample(self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None) -> Tensor:
        """n samples as the medium keeps them, images uint8 (n, c, h, w); sample i depends on the seed and i alone.

        Args:
            label: of this class all; by default classes are drawn as often as the training data has them. Or values
                of attributes, like "smile=1,age=0.3"; the others are those of training examples.
            truncation: less variety, more typical samples. The same seed gives the same sample, moved inwards. It
                bounds every |zᵢ| (Brock et al. 2019, arXiv:1809.11096, section 3.1); where the generator has
                `truncated`, as stylegan2's, it is ψ: styles are w̄ + ψ(w − w̄), and 1 changes nothing (Karras et al.
                2019, arXiv:1812.04948, appendix B).

        Raises:
            UserError: n < 1, a truncation that is not above 0, a class or attribute that is not there.
        """
        return torch.cat(list(self.stream(n, seed, truncation, label)))

    def stream(
        self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None
    ) -> Iterator[Tensor]:
        """The same, in chunks, so that any n fits in memory."""
        for inputs in self.chunks(n, seed, label):
            yield self.decode(inputs, truncation)

    def chunks(self, n: int, seed: int = 0, label: str | None = None) -> Iterator[Inputs]:
        """What is fed to the generator for n samples, a chunk at a time. Raises UserError as `sample`."""
        if n < 1:
            raise UserError(f"can't draw {n} samples: ask for 1 or more")
        for k, start in enumerate(range(0, n, self.chunk)):
            yield [x[: n - start] for x in self.draw_inputs(seed, k, label)]

    def sampled_labels(self, n: int, seed: int = 0) -> Tensor | None:
        """The classes that `sample(n, seed)` draws, int64 (n,); None if there are none to ask for."""
        if not self.classes:
            return None
        return torch.cat([self._draw_condition(seed, k, None) for k in range(-(-n // self.chunk))])[:n]

    def sample_seeds(self, seeds: Sequence[int], truncation: float | None = None, label: str | None = None) -> Tensor:
        """One sample a seed: the one that `sample(1, seed)` gives."""
        firsts = zip(*([x[:1] for x in self.draw_inputs(seed, 0, label)] for seed in seeds), strict=True)
        chunks = zip(*(torch.cat(column).split(CHUNK) for column in firsts), strict=True)
        return torch.cat([self.decode(chunk, truncation) for chunk in chunks])

    def preview(self, n: int) -> Image.Image:
        """About n samples of fixed latents as a picture; a row a class, if there are classes to ask for."""
        if not self.classes:
            return self.medium.picture(self.sample(n))
        shown = self.classes[:n]
        columns = n // len(shown)
        return self.medium.picture(torch.cat([self.sample(columns, label=name) for name in shown]), columns)

    def draw_inputs(self, seed: int, k: int = 0, label: str | None = None) -> Inputs:
        """Chunk k of what the seed feeds the generator, each (chunk, …). Raises UserError for a class not there."""
        device = next(self.G.parameters()).device
        z = build_prior(self.spec.recipe, self.G)(self.chunk, self.shape, generator(device, seed, SAMPLE, k))
        if self.conditioning is not None:
            return z, self._draw_condition(seed, k, label).to(device)
        if label is not None:
            raise UserError("this model knows no classes: leave the label out, or train one that does (cgan)")
        return (z,)

    def _draw_condition(self, seed: int, k: int, label: str | None) -> Tensor:
        assert self.conditioning is not None
        return self.conditioning.draw(self.chunk, label, generator(torch.device("cpu"), seed, CLASS, k))

    @torch.no_grad()
    def encode(self, values: Tensor) -> Tensor:
        """The latents of images uint8 (n, c, h, w), float32 (n, dim) on the CPU: the mean of E's posterior.

        Raises UserError for a model without an encoder, and for images of another type or shape.
        """
        if self.E is None:
            name = self.spec.recipe.name
            raise UserError(f"{name} has no encoder: train a recipe that has one ({', '.join(encoding())})")
        if values.dtype != torch.uint8 or tuple(values.shape[1:]) != tuple(self.shape):
            told = f"{str(values.dtype).removeprefix('torch.')} ({', '.join(map(str, values.shape))})"
            raise UserError(f"this model encodes uint8 (n, {', '.join(map(str, self.shape))}), not {told}")
        like, was_training, dim = next(self.G.parameters()), self.E.training, self.spec.recipe.latent_dim
        chunks = [self.E.eval()(self.medium.encode(chunk).to(like))[:, :dim] for chunk in values.split(CHUNK)]
        self.E.train(was_training)
        return torch.cat(chunks).float().cpu()

    def reconstruct(self, values: Tensor) -> Tensor:
        """G(E(x)) of images uint8 (n, c, h, w), the same. Raises UserError as `encode`."""
        return torch.cat([self.decode([self.encode(chunk)]) for chunk in values.split(CHUNK)])

    def decode(self, inputs: Inputs, truncation: float | None = None) -> Tensor:
        """What the generator makes of these inputs, as the medium keeps it, on the CPU.

        Raises UserError for latents that are not (n, z).
        """
        z = inputs[0]
        wanted = self.spec.recipe.latent_dim + chance(self.G)
        if z.ndim != 2 or z.shape[1] != wanted:
            told = ", ".join(map(str, z.shape))
            raise UserError(f"this model decodes latents (n, {wanted}), not ({told})")
        fake = self.forward(inputs) if truncation is None else self._truncated(inputs, truncation)
        return self.medium.decode(fake * self.spec.scale).cpu()

    def _truncated(self, inputs: Inputs, bound: float) -> Tensor:
        """The raw fake of w moved inwards, or of z: its normal numbers; categories and codes stay."""
        if not bound > 0:
            raise UserError(f"truncation is {bound}: it must be more than 0")
        if isinstance(self.G, Truncating):
            return self.forward(inputs, partial(self.G.truncated, psi=bound))
        z, *given = inputs
        normal = self.spec.recipe.z
        return self.forward([torch.cat([truncated(z[:, :normal], bound), z[:, normal:]], 1), *given])

    @torch.no_grad()
    def forward(self, inputs: Inputs, make: Callable[..., Tensor] | None = None) -> Tensor:
        """The same as networks make it (or another way of G's), float32 (n, …), images in [−1, 1]; on the model's
        device."""
        first, was_training = next(self.G.parameters()), self.G.training
        z, *given = inputs
        self.G.eval()
        fake = (make or self.G)(z.to(first), *given)
        self.G.train(was_training)
        return fake.float()

    def save(self, folder: Path, name: str = "last") -> None:
        """Writes `model.json` and `NAME.safetensors` into the folder, each whole or not at all."""
        atomic.ensure_folder(folder)
        weights = dict(self.G.state_dict())
        if self.E is not None:
            weights |= {ENCODER + key: value for key, value in self.E.state_dict().items()}
        if isinstance(self.conditioning, Attributes):
            weights[ROWS] = self.conditioning.rows
        tensors.write_tensors(folder / f"{name}.safetensors", weights)
        atomic.write_bytes(folder / "model.json", json.dumps(asdict(self.spec), indent=1).encode())


def truncated(z: Tensor, bound: float) -> Tensor:
    """z ~ N(0, 1) moved into [−bound, bound], as N(0, 1) is there: Φ⁻¹(Φ(−b) + Φ(z) (Φ(b) − Φ(−b)))."""
    low, high = torch.special.ndtr(torch.tensor([-bound, bound], dtype=torch.float64, device=z.device))
    return torch.special.ndtri(low + torch.special.ndtr(z.double()) * (high - low)).clamp(-bound, bound)
