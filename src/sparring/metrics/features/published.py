"""Features of published networks, with their images prepared as in the works that took them first.

Inception: the weights of 2015-12-05, as they were carried over to PyTorch for pytorch-fid. That file is a pickle, so
its bytes are checked before it is opened, only tensors are read, and they are kept as safetensors from then on.
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
    """By weights kept in `cache`, or found beside the data sets, or downloaded. Raises UserError if none can be had."""
    net = Inception()
    kept = cache / "judges" / "inception-2015-12-05.safetensors"
    load_or_fit(net, kept, lambda: _load_published(net, INCEPTION_WEIGHTS.path(_WEIGHTS)))
    return inception_extractor(net)


def inception_from_file(path: Path) -> FeatureExtractor:
    """By the published file itself. Raises UserError for any other: no pickle is opened that is not pinned."""
    net = Inception()
    _load_published(net, path)
    return inception_extractor(net)


def _load_published(net: Inception, path: Path) -> None:
    """Gives the network the published weights, those after the features left out.

    The bytes that are opened are the very bytes that were checked, and not the file again.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"can't read the features file {one_line(path)}: {error.strerror}") from None
    if fault := INCEPTION_WEIGHTS.pins[_WEIGHTS].fault(content):
        raise UserError(
            f"{one_line(path)} is not the published {_WEIGHTS} ({fault}), and no other pickle is opened: "
            "save your network as .onnx"
        )
    weights = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    net.load_state_dict({module_name(name): weight for name, weight in weights.items() if not name.startswith("fc.")})


def module_name(published: str) -> str:
    """Mixed_7b.branch3x3_2a.conv.weight is the second of its branch, and there the one beside b: ….branch3x3.1.a.…"""
    found = re.fullmatch(r"(Mixed_..)\.(branch[a-z0-9]+|branch_pool)(?:_(\d)([ab]?))?\.((?:conv|bn)\..*)", published)
    if found is None:
        return published
    block, branch, place, beside, rest = found.groups()
    index = int(place) - 1 if place else int(branch == "branch_pool")
    return ".".join(part for part in (block, branch, str(index), beside, rest) if part)


def inception_extractor(net: Inception) -> FeatureExtractor:
    net.eval().requires_grad_(False)

    def body(images: Tensor) -> Tensor:
        return net((resize_like_tf1(rgb_pixels(images, "inception"), _SIDE) - 128) / 128)

    how = f"resized to {_SIDE}×{_SIDE} as TensorFlow 1 did (bilinear, half a pixel off, no antialias)"
    return FeatureExtractor("inception", body, weights_digest(net.state_dict().values()), resize=how)


def rgb_pixels(images: Tensor, name: str) -> Tensor:
    """[−1, 1] → whole numbers from 0 to 255, grey images thrice. Raises UserError for other numbers of channels."""
    if images.shape[1] not in (1, 3):
        raise UserError(f"{name} features take grey and RGB images, not {images.shape[1]} channels")
    return ((images + 1) * 127.5).round().expand(-1, 3, -1, -1)


def resize_like_tf1(x: Tensor, side: int) -> Tensor:
    """(n, c, h, w) → (n, c, side, side): output pixel i lies at i · h / side, between the two pixels beside it."""
    return _interpolation_weights(x.shape[2], side) @ x @ _interpolation_weights(x.shape[3], side).T


def _interpolation_weights(size: int, side: int) -> Tensor:
    """The weights of each of `size` pixels in each of `side`, (side, size)."""
    place = torch.arange(side) * (size / side)
    before = place.floor().long()
    after, share = (before + 1).clamp(max=size - 1), place - before
    weights = torch.zeros(side, size)
    weights.scatter_add_(1, before[:, None], (1 - share)[:, None])
    return weights.scatter_add_(1, after[:, None], share[:, None])
