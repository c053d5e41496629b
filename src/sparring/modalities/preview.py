"""Previews of a data set: its examples as stored, and as networks see them."""

from collections.abc import Sequence
from pathlib import Path

import torch

from sparring.data import Dataset, Options, Split
from sparring.data.image.contact_sheet import side_by_side
from sparring.data.scan.audio import ScannedAudio, waveform_sheet
from sparring.data.scan.image_set import ScannedImages
from sparring.degrade import Degradation
from sparring.errors import UserError, one_line
from sparring.modalities.base import Preview
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import modality_of

_SHOWN = 64
"""Examples on a contact sheet."""


def overview(spec: str | Path, options: Options, scanned: ScannedImages | Sequence[ScannedAudio] | None) -> Preview:
    """Up to 64 scanned examples. Raises UserError as `load_dataset`, and without usable sounds."""
    if scanned is None or isinstance(scanned, ScannedImages):
        return dataset_sheet(load_dataset(spec, options))
    if not scanned:
        raise UserError(f"{one_line(spec)} has no usable sounds to plot")
    return Preview.png(waveform_sheet(scanned))


def dataset_sheet(data: Dataset) -> Preview:
    """Up to 64 training images, evenly over classes; points and rows all together."""
    return modality_of(data).preview(_preview_examples(data), data.facts)


def degraded_preview(data: Dataset, steps: Sequence[str]) -> Preview:
    """Degraded images, each beside its original.

    Raises UserError for data other than images, and for unknown or unsuitable degradations.
    """
    modality = modality_of(data)
    if not modality.augments:
        raise UserError(
            f"{one_line(data.spec)} has {modality.words.examples}, and only images can be degraded: leave out --damage"
        )
    degradation, values = Degradation(steps), _preview_examples(data)
    degradation.inputs(data.shape)
    degraded, _ = degradation.of(values)
    return Preview.png(side_by_side([degraded, values], len(values)))


def network_preview(data: Dataset) -> Preview:
    """Examples as networks see them: encoded and decoded, with mirrored copies if enabled.

    For image pairs, each condition beside its target.
    """
    if data.train.condition is not None:
        return Preview.png(side_by_side([data.train.condition[:_SHOWN], data.train.values[:_SHOWN]], _SHOWN))
    modality = modality_of(data)
    encoded = modality.encode(_preview_examples(data), data.facts)
    both = torch.cat([encoded, modality.mirror(encoded)]) if data.mirrored else encoded
    return modality.preview(modality.decode(both, data.facts), data.facts)


def _preview_examples(data: Dataset) -> torch.Tensor:
    values = data.train.values
    return values[_spread(data.train)] if values.dim() == 4 else values  # points and rows are plotted together


def _spread(examples: Split) -> torch.Tensor:
    """Indices of up to 64 examples, evenly over classes and sorted by class."""
    labels = examples.labels
    if labels is None or labels.is_floating_point():
        return torch.arange(min(_SHOWN, len(examples)))
    ranks = torch.empty_like(labels)
    for label in labels.unique():
        mine = labels == label
        ranks[mine] = torch.arange(int(mine.sum()))
    turns = ranks * (int(labels.max()) + 1) + labels
    order, classes = turns.argsort(), len(labels.unique())
    if classes > _SHOWN:
        order = order[:classes][torch.linspace(0, classes - 1, _SHOWN).long()]
    chosen = order[:_SHOWN]
    return chosen[labels[chosen].argsort(stable=True)]
