"""Files of weights, told from what they claim to be before memory is spent on them."""

import json
import struct

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from sparring.errors import UserError
from sparring.storage.verify import build_on_meta, shape_mismatch, stored_shapes


def test_shapes_are_told_by_the_header_alone(tmp_path):
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(())}, tmp_path / "x.safetensors")
    assert stored_shapes(tmp_path / "x.safetensors") == {"a": (2, 3), "b": ()}


@pytest.mark.parametrize("length", [2**40, 2**63, 8])
def test_a_header_that_claims_more_than_there_is(tmp_path, length):
    about = {"a": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}}
    held = json.dumps(about).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", min(length, 2**64 - 1)) + held)
    with pytest.raises(SafetensorError):
        stored_shapes(tmp_path / "x.safetensors")


def test_a_sketch_takes_no_memory():
    net = build_on_meta(lambda: nn.Linear(2**24, 2**24))
    assert net.weight.is_meta and shape_mismatch({"weight": (2, 2), "bias": (2,)}, {"": net})
    with pytest.raises(UserError, match="more than 10,000 modules"):
        build_on_meta(lambda: nn.Sequential(*(nn.Identity() for _ in range(20_000))))
    with pytest.raises(UserError, match="can't be built"):
        build_on_meta(lambda: nn.Linear(-1, 2))


def test_how_weights_differ_is_said():
    players = {"": nn.Linear(2, 3), "E/": nn.Linear(3, 1)}
    fits = {"weight": (3, 2), "bias": (3,), "E/weight": (1, 3), "E/bias": (1,)}
    assert shape_mismatch(fits, players) is None
    assert shape_mismatch({**fits, "x": (1,)}, players) == "it contains x, which the networks lack"
    assert shape_mismatch({"bias": (3,)}, players) == "it lacks E/bias, E/weight and 1 more"
    assert shape_mismatch({**fits, "weight": (2, 3)}, players) == "weight is 2×3, not 3×2"
