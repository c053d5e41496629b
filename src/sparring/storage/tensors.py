"""Tensors in safetensors files that say what was put into them: one changed bit is noticed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sparring.storage import atomic

CHECKSUM_KEY = "blake2b"


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """The tensors, with their digest in the file's metadata. Raises UserError where the disk refuses."""
    held = {name: x.detach().to("cpu", copy=True, memory_format=torch.contiguous_format) for name, x in tensors.items()}
    atomic.write_bytes(path, save(held, {CHECKSUM_KEY: tensor_digest(held)}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, on the CPU; one without a seal is another program's, and taken as it is.

    Raises SafetensorError for a file that is damaged, OSError for one that can't be read.
    """
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        seal = (file.metadata() or {}).get(CHECKSUM_KEY)
    if seal is not None and seal != tensor_digest(tensors):
        raise SafetensorError("it does not hold what was written into it: bits have changed")
    return tensors


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """blake2b over names, types, shapes and bytes; contiguous, on the CPU."""
    found = hashlib.blake2b(digest_size=32)
    for name in sorted(tensors):
        x = tensors[name]
        found.update(repr((name, str(x.dtype), tuple(x.shape))).encode())
        found.update(x.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
