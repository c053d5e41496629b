"""Tensors on disk: what comes back is what was put in, or nothing does."""

import pytest
import torch
from commands import same
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sparring.storage import tensors

STATE = {
    "weights": torch.arange(6, dtype=torch.float32).view(2, 3).T,  # not contiguous
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "counters": torch.tensor([3, 2**40]),
    "flag": torch.tensor(True),
    "none": torch.empty(0, 4),
}


def test_what_is_read_is_what_was_written(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors.write_tensors(path, STATE)
    assert same(tensors.read_tensors(path), STATE) and same(load_file(path), STATE)


def test_flipped_bits_and_truncations_anywhere_are_noticed_or_change_nothing(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors.write_tensors(path, {name: STATE[name] for name in ("weights", "counters", "flag")})
    good, whole = path.read_bytes(), tensors.read_tensors(path)
    noticed = 0
    damaged = [good[:n] for n in range(len(good))]
    for i in range(len(good)):
        flipped = bytearray(good)
        flipped[i] ^= 1 << i % 8
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        try:
            assert same(tensors.read_tensors(path), whole)
        except SafetensorError:
            noticed += 1
    assert noticed > 0.95 * len(damaged)


def test_another_programs_file_needs_no_seal(tmp_path):
    save_file({"a": torch.ones(3)}, tmp_path / "a.safetensors")
    assert same(tensors.read_tensors(tmp_path / "a.safetensors"), {"a": torch.ones(3)})
    with pytest.raises(FileNotFoundError):
        tensors.read_tensors(tmp_path / "b.safetensors")
