"""Inception features, preprocessed as by the original FID code, pytorch-fid or clean-fid.

Weights of 2015-12-05, converted to PyTorch by pytorch-fid. That file is a pickle: its hash is checked before it is
opened, only tensors are read, and they are saved as safetensors for later use.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.errors import UserError, one_line
from sparring.metrics.features.extractors import load_or_fit
from sparring.metrics.features.features import FeatureExtractor, weights_digest
from sparring.metrics.features.inception import Inception
from sparring.storage.download import Pin, Remote

_WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
INCEPTION_WEIGHTS = Remote(
    "inception",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/",
    {_WEIGHTS: Pin(95_628_359, "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2")},
)
_SIDE = 299


def inception_features(cache: Path, name: str = "inception") -> FeatureExtractor:
    """The extractor of a name in `PREPROCESSING`, with weights from `cache`, `$SPARRING_DATA` or a download.

    Raises UserError if the weights are unavailable.
    """
    net = Inception()
    kept = cache / "judges" / "inception-2015-12-05.safetensors"
    load_or_fit(net, kept, lambda: _load_published(net, INCEPTION_WEIGHTS.path(_WEIGHTS)))
    return inception_extractor(net, name)


def inception_from_file(path: Path) -> FeatureExtractor:
    """The extractor, with weights from the published file. Raises UserError for any other file."""
    net = Inception()
    _load_published(net, path)
    return inception_extractor(net)


def _load_published(net: Inception, path: Path) -> None:
    """Loads the published weights, without the classifier's. Parses the very bytes whose hash was checked."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"can't read the features file {one_line(path)}: {error.strerror}") from None
    if fault := INCEPTION_WEIGHTS.pins[_WEIGHTS].fault(content):
        raise UserError(
            f"{one_line(path)} is not the published {_WEIGHTS} ({fault}), and no other pickle is opened: export your "
            "network as .onnx"
        )
    weights = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    net.load_state_dict({module_name(name): weight for name, weight in weights.items() if not name.startswith("fc.")})


def module_name(published: str) -> str:
    """Our name of a published weight: Mixed_7b.branch3x3_2a.conv.weight → Mixed_7b.branch3x3.1.a.conv.weight."""
    found = re.fullmatch(r"(Mixed_..)\.(branch[a-z0-9]+|branch_pool)(?:_(\d)([ab]?))?\.((?:conv|bn)\..*)", published)
    if found is None:
        return published
    block, branch, place, beside, rest = found.groups()
    index = int(place) - 1 if place else int(branch == "branch_pool")
    return ".".join(part for part in (block, branch, str(index), beside, rest) if part)


def inception_extractor(net: Inception, name: str = "inception") -> FeatureExtractor:
    """The extractor of a loaded network, with the preprocessing of this name."""
    net.eval().requires_grad_(False)
    preprocessing = PREPROCESSING[name]

    def body(images: Tensor) -> Tensor:
        return net(preprocessing.prepare(rgb_pixels(images, name)))

    digest, how = weights_digest(net.state_dict().values()), f"resized to {_SIDE}×{_SIDE} {preprocessing.resize}"
    return FeatureExtractor(name, body, digest, resize=how)


def rgb_pixels(images: Tensor, name: str) -> Tensor:
    """[−1, 1] → integers 0..255, with grey repeated to RGB. Raises UserError for other numbers of channels."""
    if images.shape[1] not in (1, 3):
        raise UserError(f"{name} features need grey or RGB images, not {images.shape[1]} channels")
    return ((images + 1) * 127.5).round().expand(-1, 3, -1, -1)


def prepare_as_tf1(pixels: Tensor) -> Tensor:
    """Heusel et al.'s code, and torch-fidelity."""
    return (resize_like_tf1(pixels, _SIDE) - 128) / 128


def prepare_as_pytorch_fid(pixels: Tensor) -> Tensor:
    return 2 * interpolate(pixels / 255, (_SIDE, _SIDE), mode="bilinear", align_corners=False) - 1


def prepare_as_clean_fid(pixels: Tensor) -> Tensor:
    """Parmar et al. 2022 (arXiv:2104.11222): by Pillow, channel by channel, without rounding."""
    resized = [_pillow_bicubic(channel) for channel in pixels.flatten(0, 1)]
    return (torch.stack(resized).unflatten(0, pixels.shape[:2]).clamp(0, 255) - 128) / 128


def _pillow_bicubic(channel: Tensor) -> Tensor:
    image = Image.fromarray(channel.numpy()).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image))


@dataclass(frozen=True)
class Preprocessing:
    """How images become the network's input; FID scores of different ones are not comparable."""

    prepare: Callable[[Tensor], Tensor]
    """RGB pixels 0..255, float32 (n, 3, h, w), → (n, 3, 299, 299)."""
    resize: str
    """Part of the protocol."""


PREPROCESSING = {
    "inception": Preprocessing(prepare_as_tf1, "as TensorFlow 1 did (bilinear, half a pixel off, no antialias)"),
    "inception-pytorch-fid": Preprocessing(
        prepare_as_pytorch_fid, "as pytorch-fid (bilinear, corners not aligned, no antialias)"
    ),
    "inception-clean": Preprocessing(prepare_as_clean_fid, "as clean-fid (Pillow, bicubic, antialiased, in float32)"),
}
"""By the name of the feature extractor."""


def resize_like_tf1(x: Tensor, side: int) -> Tensor:
    """(n, c, h, w) → (n, c, side, side), bilinear with output pixel i at i · h / side, as in TensorFlow 1."""
    return _interpolation_weights(x.shape[2], side) @ x @ _interpolation_weights(x.shape[3], side).T


def _interpolation_weights(size: int, side: int) -> Tensor:
    """Linear interpolation weights from `size` to `side` pixels, (side, size)."""
    place = torch.arange(side) * (size / side)
    before = place.floor().long()
    after, share = (before + 1).clamp(max=size - 1), place - before
    weights = torch.zeros(side, size)
    weights.scatter_add_(1, before[:, None], (1 - share)[:, None])
    return weights.scatter_add_(1, after[:, None], share[:, None])
