"""What a run leaves: the averaged players, their prior, and how to sample, encode and decode.

On disk a model is `model.json` (names of the library's own entries and bounded numbers, never code) next to
safetensors: `last` holds the latest weights, `best` those with the best selection score, if there were scores.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.errors.bounds import check_bounds
from sparring.modalities.base import Conditioning, Modality, Preview
from sparring.modalities.registry import MODALITIES
from sparring.models.conditions import STORED, Attributes, ClassLabels
from sparring.models.spaces import LatentSpace, evaluation_mode, latent_spaces
from sparring.models.spec import ModelSpec
from sparring.recipes import encoding
from sparring.recipes.recipe import Shape
from sparring.rng import CLASS, SAMPLE, generator
from sparring.storage import atomic, tensors

CHUNK = 500
"""Examples encoded or decoded at once."""

ENCODER = "E/"
"""Prefix of the encoder's weights in a file; the generator's have none."""

ATTRIBUTE_ROWS = "attributes"
"""Name of the attributes of training examples in a file of weights."""

Inputs = Sequence[Tensor]
"""Of a generator: latents z (n, z), then classes y (n,) or attributes (n, k) if it is conditional."""


class Model:
    """
    Args:
        G: latents → samples.
        E: examples → latents, or the posterior's mean followed by its other parameters.
        rows: attributes of training examples, float32 (m, k), if G is conditional on attributes.
    """

    def __init__(self, spec: ModelSpec, G: nn.Module, E: nn.Module | None = None, rows: Tensor | None = None):
        self.spec, self.G = spec, G.eval().requires_grad_(False)
        self.E = None if E is None else E.eval().requires_grad_(False)
        self.conditioning = _conditioning(spec, rows)

    @property
    def players(self) -> dict[str, nn.Module]:
        """By name."""
        return {"G": self.G} if self.E is None else {"G": self.G, "E": self.E}

    @property
    def shape(self) -> Shape:
        """Of a sample: channels, height, width."""
        return self.spec.shape

    @property
    def modality(self) -> Modality:
        return MODALITIES[self.spec.recipe.modality]

    @cached_property
    def spaces(self) -> Mapping[str, LatentSpace]:
        """Latent spaces by name: "z"; "w" and "w+" where the generator has a mapping network."""
        return latent_spaces(self.G, self.spec.recipe, self.shape, self._conditions)

    def _conditions(self, n: int, g: torch.Generator) -> tuple[Tensor, ...]:
        """Conditions of n samples, drawn as often as in training."""
        if self.conditioning is None:
            return ()
        seed = int(torch.randint(2**62, (), generator=g, device=g.device))  # conditions are drawn on the CPU
        return (self.conditioning.draw(n, None, torch.Generator().manual_seed(seed)).to(self.device),)

    @property
    def device(self) -> torch.device:
        return next(self.G.parameters()).device

    @property
    def chunk(self) -> int:
        """Samples drawn at once. Each chunk has a random stream of its own, so sample i does not depend on their
        number."""
        return self.modality.chunk

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; none if the model is not conditional, or is conditional on attributes."""
        return self.conditioning.names if isinstance(self.conditioning, ClassLabels) else ()

    def sample(self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None) -> Tensor:
        """n samples as the modality stores them, images uint8 (n, c, h, w); sample i depends on the seed and i alone.

        Args:
            label: the class of all samples; by default classes are drawn as often as in training. Or values of
                attributes, like "smile=1,age=0.3"; the others are those of training examples.
            truncation: less variety, more typical samples. The same seed gives the same sample, moved inwards. It
                bounds every |zᵢ| (Brock et al. 2019, arXiv:1809.11096, section 3.1); for generators with a mapping
                network, such as stylegan2's, it is ψ: styles are w̄ + ψ(w − w̄), and 1 changes nothing (Karras et al.
                2019, arXiv:1812.04948, appendix B).

        Raises:
            UserError: n < 1, truncation ≤ 0, an unknown class or attribute.
        """
        return torch.cat(list(self.stream(n, seed, truncation, label)))

    def stream(
        self, n: int, seed: int = 0, truncation: float | None = None, label: str | None = None
    ) -> Iterator[Tensor]:
        """As `sample`, a chunk at a time, so that any n fits in memory."""
        for inputs in self.chunks(n, seed, label):
            yield self.decode(inputs, truncation)

    def chunks(self, n: int, seed: int = 0, label: str | None = None) -> Iterator[Inputs]:
        """The generator's inputs for n samples, a chunk at a time. Raises UserError as `sample`."""
        check_bounds(n=n, seed=seed)
        for k, start in enumerate(range(0, n, self.chunk)):
            yield [x[: n - start] for x in self.draw_inputs(seed, k, label)]

    def sampled_labels(self, n: int, seed: int = 0) -> Tensor | None:
        """The classes of `sample(n, seed)`, int64 (n,); None if the model has no classes."""
        if not self.classes:
            return None
        return torch.cat([self._draw_condition(seed, k, None) for k in range(-(-n // self.chunk))])[:n]

    def sample_seeds(self, seeds: Sequence[int], truncation: float | None = None, label: str | None = None) -> Tensor:
        """One sample a seed: the one that `sample(1, seed)` gives."""
        for seed in seeds:
            check_bounds(seed=seed)
        firsts = zip(*([x[:1] for x in self.draw_inputs(seed, 0, label)] for seed in seeds), strict=True)
        chunks = zip(*(torch.cat(column).split(CHUNK) for column in firsts), strict=True)
        return torch.cat([self.decode(chunk, truncation) for chunk in chunks])

    def view(self, values: Tensor, columns: int | None = None) -> Preview:
        """Samples in a form that a person looks at or listens to."""
        return self.modality.preview(values, self.spec.facts, columns)

    def preview(self, n: int) -> Preview:
        """About n samples of fixed latents; a row a class, if the model has classes."""
        if not self.classes:
            return self.view(self.sample(n))
        shown = self.classes[:n]
        columns = n // len(shown)
        return self.view(torch.cat([self.sample(columns, label=name) for name in shown]), columns)

    def draw_inputs(self, seed: int, k: int = 0, label: str | None = None) -> Inputs:
        """Chunk k of the generator's inputs for this seed, each (chunk, …). Raises UserError for an unknown class."""
        z = self.spaces["z"].draw(self.chunk, generator(self.device, seed, SAMPLE, k))
        if self.conditioning is not None:
            return z, self._draw_condition(seed, k, label).to(self.device)
        if label is not None:
            raise UserError("this model has no classes: omit the label, or train a conditional recipe (cgan)")
        return (z,)

    def _draw_condition(self, seed: int, k: int, label: str | None) -> Tensor:
        assert self.conditioning is not None
        return self.conditioning.draw(self.chunk, label, generator(torch.device("cpu"), seed, CLASS, k))

    @torch.no_grad()
    def encode(self, values: Tensor) -> Tensor:
        """Latents of images uint8 (n, c, h, w), float32 (n, dim) on the CPU: the mean of E's posterior.

        Raises UserError for a model without an encoder, and for images of another type or shape.
        """
        if self.E is None:
            name = self.spec.recipe.name
            raise UserError(f"{name} has no encoder: train a recipe that has one ({', '.join(encoding())})")
        if values.dtype != torch.uint8 or tuple(values.shape[1:]) != tuple(self.shape):
            actual = f"{str(values.dtype).removeprefix('torch.')} ({', '.join(map(str, values.shape))})"
            raise UserError(f"this model encodes uint8 (n, {', '.join(map(str, self.shape))}), not {actual}")
        like, dim = next(self.G.parameters()), self.spec.recipe.latent_dim
        with evaluation_mode(self.E):
            encoded = (self.modality.encode(chunk, self.spec.facts).to(like) for chunk in values.split(CHUNK))
            chunks = [self.E(x)[:, :dim] for x in encoded]
        return torch.cat(chunks).float().cpu()

    def reconstruct(self, values: Tensor) -> Tensor:
        """G(E(x)) of images uint8 (n, c, h, w), of the same type and shape. Raises UserError as `encode`."""
        return torch.cat([self.decode([self.encode(chunk)]) for chunk in values.split(CHUNK)])

    def decode(self, inputs: Inputs, truncation: float | None = None) -> Tensor:
        """The samples of these inputs, as the modality stores them, on the CPU.

        Raises UserError for latents that are not (n, z), and for truncation ≤ 0.
        """
        z, (wanted,) = inputs[0], self.spaces["z"].shape
        if z.ndim != 2 or z.shape[1] != wanted:
            raise UserError(f"this model decodes latents (n, {wanted}), not ({', '.join(map(str, z.shape))})")
        samples = self.forward(inputs) if truncation is None else self._truncated(inputs, truncation)
        return self.modality.decode(samples, self.spec.facts).cpu()

    def _truncated(self, inputs: Inputs, amount: float) -> Tensor:
        check_bounds(truncation=amount)
        z, *condition = inputs
        space = self.spaces.get("w+", self.spaces["z"])
        latent = space.from_z(z.to(self.device), *condition)
        return space.make(space.truncate(latent, amount), *condition)

    def forward(self, inputs: Inputs) -> Tensor:
        """The generator's samples, float32 (n, …), images in [−1, 1]; on the model's device, and differentiable if the
        latents require gradients."""
        return self.spaces["z"].make(*inputs)

    def save(self, folder: Path, name: str = "last") -> None:
        """Writes `model.json` and `NAME.safetensors` into the folder, each whole or not at all."""
        atomic.ensure_folder(folder)
        weights = dict(self.G.state_dict())
        if self.E is not None:
            weights |= {ENCODER + key: value for key, value in self.E.state_dict().items()}
        if isinstance(self.conditioning, Attributes):
            weights[ATTRIBUTE_ROWS] = self.conditioning.rows
        tensors.write_tensors(folder / f"{name}.safetensors", weights)
        atomic.write_bytes(folder / "model.json", json.dumps(asdict(self.spec), indent=1).encode())


def _conditioning(spec: ModelSpec, rows: Tensor | None) -> Conditioning | None:
    if not spec.recipe.conditional:
        return None
    if rows is not None:
        return Attributes(spec.labels, spec.scales, rows[:STORED])
    return MODALITIES[spec.recipe.modality].conditioning(spec.facts) or ClassLabels(spec.labels, spec.shares)
