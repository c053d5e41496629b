"""Feature extractors from files: ONNX, Sparring's classifiers, Inception weights.

No file is ever executed.
"""

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
    """An ONNX network with one input, images float32 (n, c, h, w) in [−1, 1]; its first output is flattened to (n, d).

    Raises UserError for other files and, when called, for images of an unsupported shape.
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
    except Exception as error:  # onnxruntime's errors have no common base class
        raise UserError(f"{path} is not an ONNX network ({one_line(error)[:100]})") from None
    (name, *more) = [given.name for given in session.get_inputs()]
    if more:
        raise UserError(f"{path} has {1 + len(more)} inputs: give a network whose only input is images")

    def body(images: Tensor) -> Tensor:
        try:
            first: Any = session.run(None, {name: images.numpy()})[0]
        except Exception as error:
            shape = "×".join(map(str, images.shape[1:]))
            raise UserError(f"{path} does not support images of {shape} ({one_line(error)[:100]})") from None
        return torch.from_numpy(first).flatten(1)

    return FeatureExtractor(path.name, body, hashlib.sha256(content).hexdigest()[:12])


def safetensors_features(path: Path) -> FeatureExtractor:
    """A classifier saved by Sparring, for scoring several data sets alike. Raises UserError for other files."""
    _content(path)
    try:
        weights = load_file(path)
        net = Classifier(weights["body.0.weight"].shape[1], len(weights["head.bias"]))
        net.load_state_dict(weights)
    except (SafetensorError, KeyError, RuntimeError, IndexError) as error:
        raise UserError(f"{path} is not a classifier saved by Sparring ({one_line(error)[:100]})") from None
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
"""Loader by file suffix."""
