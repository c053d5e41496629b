"""safetensors files with a checksum in their metadata."""

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
    """Writes tensors and their checksum. Raises UserError if the disk fails."""
    stored = {
        name: x.detach().to("cpu", copy=True, memory_format=torch.contiguous_format) for name, x in tensors.items()
    }
    atomic.write_bytes(path, save(stored, {CHECKSUM_KEY: tensor_digest(stored)}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Reads tensors to the CPU and verifies the checksum, if there is one (other programs write none).

    Raises SafetensorError for a damaged file, OSError for one that can't be read.
    """
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        checksum = (file.metadata() or {}).get(CHECKSUM_KEY)
    if checksum is not None and checksum != tensor_digest(tensors):
        raise SafetensorError("the checksum does not match: the file is damaged")
    return tensors


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """blake2b over names, types, shapes and bytes of contiguous tensors on the CPU, as hex."""
    digest = hashlib.blake2b(digest_size=32)
    for name in sorted(tensors):
        x = tensors[name]
        digest.update(repr((name, str(x.dtype), tuple(x.shape))).encode())
        digest.update(x.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
