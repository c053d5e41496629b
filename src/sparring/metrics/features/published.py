"""Inception features, preprocessed as in the original FID code.

Weights of 2015-12-05, converted to PyTorch by pytorch-fid. That file is a pickle: its hash is checked before it is
opened, only tensors are read, and they are saved as safetensors for later use.
"""

import re
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

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


def inception_features(cache: Path) -> FeatureExtractor:
    """The extractor, with weights from `cache`, `$SPARRING_DATA` or a download. Raises UserError if unavailable."""
    net = Inception()
    kept = cache / "judges" / "inception-2015-12-05.safetensors"
    load_or_fit(net, kept, lambda: _load_published(net, INCEPTION_WEIGHTS.path(_WEIGHTS)))
    return inception_extractor(net)


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


def inception_extractor(net: Inception) -> FeatureExtractor:
    """The extractor of a loaded network."""
    net.eval().requires_grad_(False)

    def body(images: Tensor) -> Tensor:
        return net((resize_like_tf1(rgb_pixels(images, "inception"), _SIDE) - 128) / 128)

    how = f"resized to {_SIDE}×{_SIDE} as TensorFlow 1 did (bilinear, half a pixel off, no antialias)"
    return FeatureExtractor("inception", body, weights_digest(net.state_dict().values()), resize=how)


def rgb_pixels(images: Tensor, name: str) -> Tensor:
    """[−1, 1] → integers 0..255, with grey repeated to RGB. Raises UserError for other numbers of channels."""
    if images.shape[1] not in (1, 3):
        raise UserError(f"{name} features need grey or RGB images, not {images.shape[1]} channels")
    return ((images + 1) * 127.5).round().expand(-1, 3, -1, -1)


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
