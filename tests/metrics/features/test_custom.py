"""Features from a file, and files that are none."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from sparring.errors import UserError
from sparring.metrics.features.custom import onnx_features, safetensors_features
from sparring.metrics.features.extractors import Classifier

IMAGES = torch.randint(256, (7, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
WEIGHT = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)


def network(path, inputs=("x",)):
    """Flatten, then a matrix."""
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, 8, 8]) for name in inputs]
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])]
    graph = helper.make_graph(nodes, "g", given, out, [numpy_helper.from_array(WEIGHT, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_an_onnx_network(tmp_path):
    features = onnx_features(network(tmp_path / "f.onnx"))
    expected = (IMAGES.float() / 127.5 - 1).flatten(1) @ torch.from_numpy(WEIGHT)
    torch.testing.assert_close(features(IMAGES).float(), expected, rtol=1e-5, atol=1e-5)
    assert features.name == "f.onnx" and len(features.digest) == 12


def test_our_own_weights(tmp_path):
    net = Classifier(1, 10)
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    kept, own = safetensors_features(tmp_path / "w.safetensors"), net.features("task", names_classes=True)
    assert kept.digest == own.digest and torch.equal(kept(IMAGES), own(IMAGES))


def test_files_that_are_none(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    for read, name, expected in (
        (onnx_features, "bad.onnx", "bad.onnx is not an ONNX network"),
        (onnx_features, "gone.onnx", "can't read the features file .*gone.onnx"),
        (safetensors_features, "bad.safetensors", "is not a classifier saved by Sparring"),
        (safetensors_features, "other.safetensors", "is not a classifier saved by Sparring"),
    ):
        with pytest.raises(UserError, match=expected):
            read(tmp_path / name)
    with pytest.raises(UserError, match="has 2 inputs"):
        onnx_features(network(tmp_path / "two.onnx", ("x", "z")))
    with pytest.raises(UserError, match="does not support images of 1×9×9"):
        onnx_features(network(tmp_path / "f.onnx"))(torch.zeros(2, 1, 9, 9, dtype=torch.uint8))
