"""Features from a file: an ONNX network, the weights of one of our own classifiers, the published Inception weights. No
file is ever executed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sparring.errors import UserError, one_line
from sparring.metrics.features.extractors import Classifier
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.published import inception_from_file


def onnx_features(path: Path) -> FeatureExtractor:
    """Of a network with one input, images float32 (n, c, h, w) in [−1, 1]; its first output is flattened to (n, d).

    Raises UserError for a file that is none, and (when used) for images it does not take.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("features from an .onnx file need 'sparring[onnx]': pip install 'sparring[onnx]'") from None
    content = _content(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no base class of their own
        raise UserError(f"{path} is no ONNX network ({one_line(error)[:100]})") from None
    (name, *more) = [given.name for given in session.get_inputs()]
    if more:
        raise UserError(f"{path} takes {1 + len(more)} inputs: give a network that takes images and nothing else")

    def body(images: Tensor) -> Tensor:
        try:
            first: Any = session.run(None, {name: images.numpy()})[0]
        except Exception as error:
            shape = "×".join(map(str, images.shape[1:]))
            raise UserError(f"{path} does not take images of {shape} ({one_line(error)[:100]})") from None
        return torch.from_numpy(first).flatten(1)

    return FeatureExtractor(path.name, body, hashlib.sha256(content).hexdigest()[:12])


def safetensors_features(path: Path) -> FeatureExtractor:
    """Of a classifier that Sparring fitted and kept, to judge several sets alike. Raises UserError for another file."""
    _content(path)
    try:
        weights = load_file(path)
        net = Classifier(weights["body.0.weight"].shape[1], len(weights["head.bias"]))
        net.load_state_dict(weights)
    except (SafetensorError, KeyError, RuntimeError, IndexError) as error:
        raise UserError(f"{path} holds no classifier of Sparring's ({one_line(error)[:100]})") from None
    return net.features(path.name, names_classes=True)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"can't read the features file {path}: {error.strerror}") from None


FILE_EXTRACTORS: dict[str, Callable[[Path], FeatureExtractor]] = {
    ".onnx": onnx_features,
    ".safetensors": safetensors_features,
    ".pth": inception_from_file,
}
"""By the file's ending."""
